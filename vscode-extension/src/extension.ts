/** What VS Code has no language feature for: commands, status item, report. Everything else is the server's. */

import * as vscode from "vscode";
import type { Location } from "vscode-languageclient/node";
import { Connection } from "./client";
import { Explanation, OPEN_PLACE } from "./explanation";
import { Guide } from "./guide";
import { ImagePage } from "./image";
import { openPlace, Report } from "./report";
import { fixFile, reviewFixes } from "./review";
import { StatusItem } from "./status";

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const connection = new Connection(context.extensionPath, context.globalStorageUri.fsPath);
  const report = new Report(connection);
  const explanation = new Explanation(connection);
  const image = new ImagePage(connection);
  const guide = new Guide();
  const commands = {
    "kscan.scan": () => scan(connection),
    "kscan.fixFile": () => fixFile(connection),
    "kscan.reviewFixes": (uri?: string) => reviewFixes(connection, uri),
    "kscan.showReport": () => report.show(),
    "kscan.chooseFrameworks": () => chooseFrameworks(connection),
    "kscan.restart": () => connection.restart(),
    "kscan.showLog": () => { connection.log.show(); },
    "kscan.showFindings": showFindings,
    "kscan.showExplanation": (uri: string, control: string) => explanation.show(uri, control),
    "kscan.showImage": (uri: string, name: string) => image.show(uri, name),
    [OPEN_PLACE]: openPlace,
    "kscan.nextFinding": () => guide.next(),
    "kscan.fixFinding": () => guide.fix(),
    "kscan.ignoreFinding": () => guide.ignore(),
  };
  context.subscriptions.push(
    connection,
    report,
    explanation,
    image,
    guide,
    new StatusItem(connection),
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
    vscode.workspace.onDidGrantWorkspaceTrust(() => connection.restart()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("kscan.server")) {
        void connection.restart();
      } else if (event.affectsConfiguration("kscan")) {
        void connection.settingsChanged();
      }
    }),
  );
  await connection.restart();
}

async function scan(connection: Connection): Promise<void> {
  interface Scanned {
    readonly files: number;
    readonly findings: Readonly<Record<string, number>>;
  }
  const scanned = await connection.ask<Scanned | null>("kscan.scanWorkspace");
  if (scanned) {
    const findings = Object.entries(scanned.findings).map(([severity, count]) => `${count.toString()} ${severity}`);
    const files = scanned.files === 1 ? "1 file" : `${scanned.files.toString()} files`;
    const text = `kscan: ${files} scanned: ${findings.join(", ")}.`;
    const choice = await vscode.window.showInformationMessage(text, "Show Problems", "Show Report");
    if (choice) {
      await vscode.commands.executeCommand(choice === "Show Report" ? "kscan.showReport" : "workbench.actions.view.problems");
    }
  }
}

async function chooseFrameworks(connection: Connection): Promise<void> {
  interface Framework {
    readonly id: string;
    readonly name: string;
    readonly active: boolean;
  }
  const frameworks = await connection.ask<readonly Framework[]>("kscan.frameworks");
  if (!frameworks) {
    return;
  }
  const items = frameworks.map(({ id, name, active }) => ({ label: id, description: name, picked: active }));
  const title = "Frameworks whose controls are checked";
  const chosen = await vscode.window.showQuickPick(items, { canPickMany: true, title });
  if (chosen) {
    const ids = chosen.map(({ label }) => label);
    const target = vscode.workspace.workspaceFolders
      ? vscode.ConfigurationTarget.Workspace
      : vscode.ConfigurationTarget.Global;
    await vscode.workspace.getConfiguration("kscan").update("frameworks", ids.length > 0 ? ids : undefined, target);
  }
}

/** The findings behind a code lens, as the editor shows references. */
async function showFindings(uri: string, findings: readonly Location[]): Promise<void> {
  const locations = findings.map(({ uri, range: { start, end } }) => {
    const range = new vscode.Range(start.line, start.character, end.line, end.character);
    return new vscode.Location(vscode.Uri.parse(uri), range);
  });
  const first = locations[0]?.range.start;
  if (first) {
    await vscode.commands.executeCommand("editor.action.showReferences", vscode.Uri.parse(uri), first, locations);
  }
}
