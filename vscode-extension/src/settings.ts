/** The editor's `kscan` section, as the server should see it. */

import { homedir } from "node:os";
import * as vscode from "vscode";

/**
 * What the user chose, and nothing else. VS Code fills in the defaults that package.json declares, and a default must
 * not win over what `.kscan.yaml` says.
 */
export function chosenSettings(section = "kscan"): Record<string, unknown> {
  const settings = vscode.workspace.getConfiguration(section);
  const keys = Object.keys(settings).filter((key) => isChosen(settings, key));
  return Object.fromEntries(keys.map((key) => [key, settings.get(key)]));
}

function isChosen(settings: vscode.WorkspaceConfiguration, key: string): boolean {
  const { globalValue, workspaceValue, workspaceFolderValue } = settings.inspect(key) ?? {};
  return [globalValue, workspaceValue, workspaceFolderValue].some((value) => value !== undefined);
}

/** Which scanner may look at images; undefined where none may. Settings of a machine say so, and of no workspace. */
export function imageScans(): { readonly scanner: string; readonly network: boolean } | undefined {
  const settings = vscode.workspace.getConfiguration("kscan.server");
  if (!vscode.workspace.isTrusted || settings.get<boolean>("scanImages") !== true) {
    return undefined;
  }
  return { scanner: program(settings, "imageScanner"), network: settings.get<boolean>("imagesNetwork") === true };
}

/** What builds overlays: the path that the machine's settings name, in a trusted workspace; else empty. */
export function kustomize(): string {
  return vscode.workspace.isTrusted ? program(vscode.workspace.getConfiguration("kscan.server"), "kustomize") : "";
}

function program(settings: vscode.WorkspaceConfiguration, key: string): string {
  return settings.get(key, "").trim().replace(/^~(?=[/\\])/, homedir());
}
