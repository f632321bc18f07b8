/**
 * Which program is the server: the first that answers, of the setting, the copy that the extension carries, the
 * selected Python interpreter's environment, and the PATH.
 *
 * What is executed may be chosen by the user, never by a workspace that is not trusted: VS Code withholds its
 * `kscan.server.path`, its interpreter is not asked for, and nothing runs with the workspace as current folder, which
 * Windows and Python search for programs and modules.
 */

import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as vscode from "vscode";

export interface Server {
  readonly command: string;
  readonly args: readonly string[];
  /** Where it comes from, for the log. */
  readonly origin: string;
}

/** The part of the Python extension's API that is used here. */
interface PythonApi {
  readonly environments: {
    getActiveEnvironmentPath(): { readonly path: string };
    resolveEnvironment(path: {
      readonly path: string;
    }): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
  };
}

const PATIENCE = 20_000; // milliseconds until a program that should only tell its version is given up

/**
 * The first server that answers; if none does, an error whose text says what to do. What the extension carries is
 * unpacked into the storage, a folder of the user's own, when it first answers.
 */
export async function findServer(extension: string, storage: string, log: vscode.LogOutputChannel): Promise<Server> {
  const chosen = pathFromSettings();
  const bundled = bundledFor(extension);
  const candidates = chosen ? [{ command: chosen, args: [], origin: "kscan.server.path" }] : known(extension, storage, bundled);
  for await (const candidate of candidates) {
    try {
      const { stdout } = await promisify(execFile)(candidate.command, [...candidate.args, "--version"], {
        cwd: extension,
        timeout: PATIENCE,
      });
      log.info(`${candidate.origin}: ${candidate.command} is ${stdout.trim()}`);
      return candidate;
    } catch (error) {
      const { code, stderr, message } = error as { code?: unknown; stderr?: string; message: string };
      const reason = code === "ENOENT" ? "not found" : [message, stderr].join("\n").trim();
      log.info(`${candidate.origin}: ${candidate.command}: ${reason}`);
    }
  }
  throw new Error(
    chosen
      ? `The setting kscan.server.path names ${chosen}, which does not start. Correct it, or clear it to use the server that the extension carries.`
      : `No kscan server starts here. ${advice(bundled)} name a kscan program in the setting kscan.server.path. The log says what was tried.`,
  );
}

/** Which Python would do; a checkout carries a server for none. */
function advice(bundled: readonly number[]): string {
  const [newest, oldest] = [bundled.at(0), bundled.at(-1)];
  return newest && oldest ? `Install Python 3.${oldest.toString()} to 3.${newest.toString()}, or` : "Install kscan, or";
}

function pathFromSettings(): string {
  const path = vscode.workspace.getConfiguration("kscan").get("server.path", "").trim();
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? "";
  return path.replace(/^~(?=[/\\])/, homedir()).replaceAll("${workspaceFolder}", folder);
}

async function* known(extension: string, storage: string, bundled: readonly number[]): AsyncGenerator<Server> {
  // Nothing of the machine's own packages takes part.
  const run = ["-I", "-S", join(extension, "bundled", "start.py"), `--unpack-to=${storage}`];
  for (const { name, args } of bundled.length > 0 ? pythons(bundled) : []) {
    yield { command: name, args: [...args, ...run], origin: "carried by the extension" };
  }
  const interpreter = await selectedInterpreter();
  if (interpreter) {
    if (bundled.length > 0) {
      yield { command: interpreter, args: run, origin: "carried by the extension" };
    }
    yield { command: interpreter, args: ["-P", "-m", "kscan_lsp"], origin: "selected Python interpreter" };
  }
  yield { command: "kscan", args: [], origin: "PATH" };
}

/** The minor versions of Python 3 that the carried server has compiled parts for, newest first. */
function bundledFor(extension: string): number[] {
  try {
    return readdirSync(join(extension, "bundled"))
      .flatMap((name) => /^cp3(\d+)\.tar\.xz$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((one, other) => other - one);
  } catch {
    return []; // run from a checkout, which carries nothing
  }
}

function pythons(minors: readonly number[]): { name: string; args: string[] }[] {
  return process.platform === "win32"
    ? [{ name: "python", args: [] }, ...minors.map((minor) => ({ name: "py", args: [`-3.${minor.toString()}`] }))]
    : ["python3", ...minors.map((minor) => `python3.${minor.toString()}`)].map((name) => ({ name, args: [] }));
}

/** The interpreter that the Python extension has selected, unless that could be the workspace's own choice. */
async function selectedInterpreter(): Promise<string | undefined> {
  const python = vscode.extensions.getExtension<PythonApi>("ms-python.python");
  if (!python || !vscode.workspace.isTrusted) {
    return undefined;
  }
  const { environments } = await python.activate();
  const environment = await environments.resolveEnvironment(environments.getActiveEnvironmentPath());
  return environment?.executable.uri?.fsPath;
}
