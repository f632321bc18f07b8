/** The editor's `kscan` section, as the server should see it. */

import * as vscode from "vscode";
import type { ConfigurationParams } from "vscode-languageclient/node";

/**
 * What the user chose, and nothing else. VS Code fills in the defaults that package.json declares, and a default must
 * not win over what `.kscan.yaml` says.
 */
export function chosenSettings(params: ConfigurationParams): unknown[] {
  return params.items.map(({ section = "kscan", scopeUri }) => {
    const settings = vscode.workspace.getConfiguration(section, scopeUri ? vscode.Uri.parse(scopeUri) : null);
    const keys = Object.keys(settings).filter((key) => typeof settings[key] !== "function" && isChosen(settings, key));
    return Object.fromEntries(keys.map((key) => [key, settings.get(key)]));
  });
}

function isChosen(settings: vscode.WorkspaceConfiguration, key: string): boolean {
  const { globalValue, workspaceValue, workspaceFolderValue } = settings.inspect(key) ?? {};
  return [globalValue, workspaceValue, workspaceFolderValue].some((value) => value !== undefined);
}
