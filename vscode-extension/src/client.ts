/** The connection to the server: started, restarted one at a time, and asked. */

import * as vscode from "vscode";
import {
  DidChangeConfigurationNotification,
  ExecuteCommandRequest,
  LanguageClient,
  type LSPAny,
} from "vscode-languageclient/node";
import { findServer } from "./server";
import { chosenSettings } from "./settings";

const RESTARTS = 4; // after crashes within three minutes; then the server stays down until it is restarted by hand

export class Connection implements vscode.Disposable {
  readonly log = vscode.window.createOutputChannel("kscan", { log: true });
  private client: LanguageClient | undefined;
  private pending: Promise<void> = Promise.resolve();

  constructor(private readonly extension: string, private readonly storage: string) {}

  /** Start the server, again if it runs, and say what to do where that fails. */
  restart(): Promise<void> {
    this.pending = this.pending.then(async () => {
      try {
        await this.stop();
        await this.start();
      } catch (error) {
        this.log.error(error instanceof Error ? error : String(error));
        void this.explain(error instanceof Error ? error.message : String(error));
      }
    });
    return this.pending;
  }

  /** What the server answers to one of its commands; undefined, and the user told, where it has no answer. */
  async ask<T>(command: string, ...args: LSPAny[]): Promise<T | undefined> {
    await this.pending;
    if (!this.offers(command)) {
      void this.explain(`The kscan server that runs here does not offer ${command}. Update it, or restart it if it has stopped.`);
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
    this.pending = this.pending.then(() => this.stop());
    return this.pending;
  }

  private async start(): Promise<void> {
    const { command, args } = await findServer(this.extension, this.storage, this.log);
    const executable = { command, args: [...args, "lsp"], options: { cwd: this.extension } };
    this.client = new LanguageClient("kscan", "kscan", executable, {
      documentSelector: ["yaml", "json", "markdown"].flatMap((language) => [
        { language, scheme: "file" },
        { language, scheme: "untitled" },
      ]),
      outputChannel: this.log,
      connectionOptions: { maxRestartCount: RESTARTS },
      initializationOptions: { kscan: chosenSettings("kscan"), codeLens: true },
      middleware: { workspace: { configuration: ({ items }) => items.map(({ section }) => chosenSettings(section)) } },
    });
    await this.client.start();
  }

  private async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    await client?.dispose();
  }

  private async explain(text: string): Promise<void> {
    const choice = await vscode.window.showErrorMessage(text, "Open Settings", "Show Log");
    if (choice === "Open Settings") {
      await vscode.commands.executeCommand("workbench.action.openSettings", "kscan.server");
    } else if (choice === "Show Log") {
      this.log.show();
    }
  }
}
