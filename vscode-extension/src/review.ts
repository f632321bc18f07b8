/** Fixes chosen before they are made: one box a finding, all of them ticked, the place in sight, and the changes on request. */

import * as vscode from "vscode";
import type { Range } from "vscode-languageclient/node";
import type { Connection } from "./client";

interface Fix {
  readonly id: string;
  readonly title: string;
  readonly control: string;
  readonly message: string;
  readonly range: Range;
  readonly safe: boolean;
}

export interface Fixes {
  readonly message: string;
  readonly safe: number;
  readonly fixes: readonly Fix[];
}

interface Choice extends vscode.QuickPickItem {
  readonly fix: Fix;
}

/** Make the safe fixes of the file in front; where there is none, say what there is. */
export async function fixFile(connection: Connection): Promise<void> {
  const uri = vscode.window.activeTextEditor?.document.uri.toString();
  const made = uri && (await connection.ask<number>("kscan.fixAll", uri));
  if (made !== 0) {
    return;
  }
  const found = await connection.ask<Fixes>("kscan.fixes", uri);
  if (!found) {
    return;
  }
  const review = found.fixes.length > 0 ? ["Review Fixes"] : [];
  if (await vscode.window.showInformationMessage(found.message, ...review)) {
    await reviewFixes(connection, uri);
  }
}

/** Let the user choose among all fixes of a file, and make the chosen ones in one step. */
export async function reviewFixes(connection: Connection, uri?: string): Promise<void> {
  const document = uri === undefined
    ? vscode.window.activeTextEditor?.document
    : await vscode.workspace.openTextDocument(vscode.Uri.parse(uri));
  if (!document) {
    return;
  }
  const name = document.uri.toString();
  const found = await connection.ask<Fixes>("kscan.fixes", name);
  if (!found) {
    return;
  }
  if (found.fixes.length === 0) {
    void vscode.window.showInformationMessage(found.message);
    return;
  }
  const editor = await vscode.window.showTextDocument(document);
  const chosen = await choose(found, editor, document.version);
  if (chosen && chosen.length > 0) {
    await connection.ask<number>("kscan.fixChosen", name, chosen.map(({ id }) => id));
  }
}

/** The fixes that the user leaves ticked; undefined when the list is dismissed, or the text has changed under it. */
function choose(found: Fixes, editor: vscode.TextEditor, version: number): Promise<readonly Fix[] | undefined> {
  const list = vscode.window.createQuickPick<Choice>();
  const before = editor.selection;
  list.title = "kscan: fixes to make in this file";
  list.placeholder = "Untick what is to stay as it is";
  list.canSelectMany = list.matchOnDescription = list.matchOnDetail = list.ignoreFocusOut = true;
  list.items = found.fixes.map((fix) => ({
    fix,
    label: fix.title,
    description: `${fix.control}, line ${(fix.range.start.line + 1).toString()}${fix.safe ? "" : " · review"}`,
    detail: fix.message,
  }));
  list.selectedItems = list.items;
  return new Promise((resolve) => {
    let chosen: readonly Fix[] | undefined;
    const listeners = vscode.Disposable.from(
      list.onDidChangeActive(([at]) => {
        if (at) {
          const { start, end } = at.fix.range;
          editor.selection = new vscode.Selection(start.line, start.character, end.line, end.character);
          editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
        }
      }),
      list.onDidAccept(() => {
        chosen = editor.document.version === version ? list.selectedItems.map(({ fix }) => fix) : undefined;
        list.hide();
      }),
      list.onDidHide(() => {
        listeners.dispose();
        list.dispose();
        editor.selection = before;
        resolve(chosen);
      }),
    );
    list.show();
  });
}
