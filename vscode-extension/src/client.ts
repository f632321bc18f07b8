/** The connection to the server: started, restarted one at a time, and asked. */

import { type ChildProcess, spawn } from "node:child_process";
import * as vscode from "vscode";
import {
  CloseAction,
  DidChangeConfigurationNotification,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  type LSPAny,
  type ShowDocumentParams,
  type ShowDocumentResult,
} from "vscode-languageclient/node";
import { findServer, type Server } from "./server";
import { chosenSettings, imageScans, kustomize } from "./settings";

const RESTARTS = 4; // after crashes within three minutes; then the server stays down until it is restarted by hand
const THREE_MINUTES = 180_000;
const SAID = 300; // characters of what a server that died has said last
const RENDERED = "kscan-rendered"; // the scheme of what charts and overlays render to
const A_MOMENT = 1_000; // milliseconds

/** A client that leaves it to us to tell the user what is wrong: it would say the same several times over. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }

  override stop(timeout?: number): Promise<void> {
    return this.isRunning() ? super.stop(timeout) : Promise.resolve(); // one that never came up has nothing to stop
  }
}

export class Connection implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel("kscan", { log: true });
  private readonly changes = new vscode.EventEmitter<void>();
  /** What the server has found or read may have changed, or there is another server, or none. */
  readonly onDidChange = this.changes.event;
  private client: LanguageClient | undefined;
  private process: ChildProcess | undefined;
  private pending: Promise<void> = Promise.resolve();
  private starts = 0;
  private crashes: number[] = [];

  constructor(private readonly extension: string, private readonly storage: string) {}

  /** Start the server, again if it runs, and say what to do where that fails. */
  restart(): Promise<void> {
    const start = ++this.starts;
    if (!this.client?.isRunning()) {
      this.process?.kill(); // one that never comes up must not keep another from it
    }
    this.pending = this.pending.then(async () => {
      if (start !== this.starts) {
        return; // asked for again in the meantime
      }
      try {
        await this.stop();
        await this.start();
      } catch (error) {
        this.log.error(error instanceof Error ? error : String(error));
        if (start === this.starts) {
          void this.tell(error instanceof Error ? error.message : String(error));
        }
      }
      this.changes.fire();
    });
    return this.pending;
  }

  /** What the server answers to one of its commands; undefined, and the user told, where it has no answer. */
  async ask<T>(command: string, ...args: LSPAny[]): Promise<T | undefined> {
    await this.pending;
    if (!this.offers(command)) {
      void this.tell(
        this.client?.isRunning()
          ? `The kscan server that runs here does not offer ${command}. Update it.`
          : "The kscan server does not run. Restart it; the log says why it has stopped.",
      );
      return undefined;
    }
    return (await this.client?.sendRequest(ExecuteCommandRequest.type, { command, arguments: args })) as T | undefined;
  }

  /** Whether a server runs that has a command. */
  offers(command: string): boolean {
    const offered = this.client?.isRunning() && this.client.initializeResult?.capabilities.executeCommandProvider;
    return offered ? offered.commands.includes(command) : false;
  }

  /** Have the server ask for its settings again. */
  async settingsChanged(): Promise<void> {
    await this.pending;
    await this.client?.sendNotification(DidChangeConfigurationNotification.type, { settings: null });
  }

  dispose(): Promise<void> {
    this.starts += 1;
    this.pending = this.pending.then(() => this.stop());
    this.changes.dispose();
    return this.pending;
  }

  private async start(): Promise<void> {
    const server = await findServer(this.extension, this.storage, this.log);
    let said = "";
    const run = (): Promise<ChildProcess> => {
      const child = spawn(server.command, [...server.args, "lsp"], { cwd: this.extension, stdio: "pipe" });
      child.on("error", (error) => { this.log.error(error); });
      child.stderr.on("data", (data: Buffer) => { said = (said + data.toString()).slice(-SAID); });
      this.process = child;
      return Promise.resolve(child);
    };
    const client: LanguageClient = new QuietClient("kscan", "kscan", run, {
      documentSelector: [
        ...["yaml", "json", "markdown", "helm"].flatMap((language) => [
          { language, scheme: "file" },
          { language, scheme: "untitled" },
        ]),
        { scheme: "file", pattern: "**/templates/**/*.tpl" },
        { scheme: RENDERED }, // so that the server knows when one is closed
      ],
      outputChannel: this.log,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => ({ action: this.closed(client, said), handled: true }),
      },
      initializationFailedHandler: () => false,
      initializationOptions: {
        kscan: chosenSettings("kscan"),
        codeLens: true,
        reviews: true,
        pages: true,
        imagePages: true,
        status: true,
        imageScans: imageScans(),
        kustomize: kustomize(),
        trusted: vscode.workspace.isTrusted, // when that changes, the server starts anew
      },
      markdown: { isTrusted: { enabledCommands: ["kscan.showExplanation"] } },
      middleware: {
        workspace: { configuration: ({ items }) => items.map(({ section }) => chosenSettings(section)) },
        window: {
          showDocument: async (params, token, next) =>
            params.uri.startsWith(`${RENDERED}:`) ? await showBeside(params) : await next(params, token),
        },
      },
    });
    client.onNotification("kscan/statusChanged", () => { this.changes.fire(); });
    try {
      await client.start();
      if (!client.isRunning()) {
        throw new Error("the connection was closed"); // which `start` need not say
      }
    } catch (error) {
      await ended(this.process);
      this.process?.kill();
      throw new Error(whyNot(server, this.process, said), { cause: error });
    }
    this.client = client;
  }

  /** What to do after the server has gone without having been asked to. */
  private closed(client: LanguageClient, said: string): CloseAction {
    if (this.client !== client) {
      return CloseAction.DoNotRestart; // it never came up, which `start` tells, or is not wanted any more
    }
    const now = Date.now();
    this.crashes = [...this.crashes.filter((time) => now - time < THREE_MINUTES), now];
    if (this.crashes.length <= RESTARTS) {
      return CloseAction.Restart;
    }
    this.client = undefined;
    this.crashes = [];
    this.changes.fire();
    void this.tell(`The kscan server has stopped ${(RESTARTS + 1).toString()} times within three minutes${quoted(said)}. It stays down until you restart it.`);
    return CloseAction.DoNotRestart;
  }

  private async stop(): Promise<void> {
    const { client, process } = this;
    this.client = this.process = undefined;
    try {
      await client?.dispose();
    } finally {
      process?.kill(); // has an effect only where it did not end by itself
    }
  }

  private async tell(text: string): Promise<void> {
    const choice = await vscode.window.showErrorMessage(text, "Restart Server", "Open Settings", "Show Log");
    if (choice === "Restart Server") {
      await this.restart();
    } else if (choice === "Open Settings") {
      await vscode.commands.executeCommand("workbench.action.openSettings", "kscan.server");
    } else if (choice === "Show Log") {
      this.log.show();
    }
  }
}

/** Give a server that closed its output a moment to end, so that its status is known. */
async function ended(process: ChildProcess | undefined): Promise<void> {
  if (process?.exitCode === null) {
    await new Promise<void>((done) => {
      const timer = setTimeout(done, A_MOMENT);
      process.once("close", () => { clearTimeout(timer); done(); });
    });
  }
}

/** Why a server that answers when it is asked for its version does not serve, and what to do about it. */
function whyNot({ command, origin }: Server, process: ChildProcess | undefined, said: string): string {
  const code = process?.exitCode;
  const how = typeof code === "number" ? `ended at once with status ${code.toString()}` : "did not come up";
  return origin === "kscan.server.path"
    ? `The setting kscan.server.path names ${command}, which ${how}${quoted(said)}. Correct it, or clear it to use the server that the extension carries.`
    : `The kscan server (${origin}: ${command}) ${how}${quoted(said)}. Restart it, or name another one in the setting kscan.server.path.`;
}

function quoted(said: string): string {
  const last = said.trim().split("\n").at(-1);
  return last ? `, saying "${last}"` : "";
}

/** What a file renders to, beside it. */
async function showBeside({ uri, selection }: ShowDocumentParams): Promise<ShowDocumentResult> {
  const at = selection?.start;
  await vscode.window.showTextDocument(vscode.Uri.parse(uri), {
    viewColumn: vscode.ViewColumn.Beside,
    ...(at && { selection: new vscode.Range(at.line, at.character, at.line, at.character) }),
  });
  return { success: true };
}
