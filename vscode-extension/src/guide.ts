/**
 * From finding to finding in the file that the user works on, also where something else is in front of it: a walkthrough
 * whose buttons are pressed, or the report. What the editor has commands for does nothing there.
 */

import * as vscode from "vscode";

const SOURCE = "kscan"; // what the server's diagnostics name as theirs
const PATIENCE = 5_000; // milliseconds until a file that nothing was said about counts as one without findings
const LANGUAGES = ["yaml", "json"];

interface Place {
  readonly uri: vscode.Uri;
  readonly finding: vscode.Diagnostic;
}

export class Guide implements vscode.Disposable {
  private last: vscode.Uri | undefined;
  private readonly subscription: vscode.Disposable;

  constructor() {
    const remember = (editor: vscode.TextEditor | undefined) => {
      if (editor && LANGUAGES.includes(editor.document.languageId)) {
        this.last = editor.document.uri;
      }
    };
    remember(vscode.window.activeTextEditor);
    this.subscription = vscode.window.onDidChangeActiveTextEditor(remember);
  }

  dispose(): void {
    this.subscription.dispose();
  }

  /** Go to the finding after the cursor, to the first one after the last, and show what it is. */
  async next(): Promise<void> {
    if (await this.goTo("after")) {
      await vscode.commands.executeCommand("editor.action.showHover");
    }
  }

  /** Open the lightbulb of the finding at the cursor, or else of the next one. */
  async fix(): Promise<void> {
    if (await this.goTo("at")) {
      await vscode.commands.executeCommand("editor.action.quickFix");
    }
  }

  /** Write the comment that accepts the finding at the cursor, or else the next one. */
  async ignore(): Promise<void> {
    const place = await this.goTo("at");
    if (!place) {
      return;
    }
    const quickFix = vscode.CodeActionKind.QuickFix.value;
    const actions = await vscode.commands.executeCommand<readonly vscode.CodeAction[]>(
      "vscode.executeCodeActionProvider", place.uri, place.finding.range, quickFix,
    );
    const ignoring = actions.find(({ title, edit }) => edit && title.startsWith(`Ignore ${codeOf(place.finding)} `));
    if (ignoring?.edit) {
      const comment = ignoring.edit.get(place.uri)[0]?.range.start.line;
      await vscode.workspace.applyEdit(ignoring.edit);
      await giveReason(place.uri, comment);
    } else {
      void vscode.window.showInformationMessage("There can be no comment here: an annotation of the object can accept the finding.");
    }
  }

  /** Show the user's file with the cursor at a finding; undefined, and the user told, where there is none. */
  private async goTo(which: "at" | "after"): Promise<Place | undefined> {
    const uri = this.file();
    if (!uri) {
      await vscode.commands.executeCommand("workbench.action.quickOpen");
      return undefined;
    }
    const editor = await vscode.window.showTextDocument(uri, { preview: false });
    const found = (await findings(uri)).sort((one, other) => one.range.start.compareTo(other.range.start));
    const here = editor.selection.start;
    const finding =
      (which === "at" ? found.find(({ range }) => range.contains(here)) : undefined) ??
      found.find(({ range }) => range.start.isAfter(here)) ??
      found[0];
    if (!finding) {
      void vscode.window.showInformationMessage(`kscan finds nothing in ${vscode.workspace.asRelativePath(uri)}. Open another manifest.`);
      return undefined;
    }
    editor.selection = new vscode.Selection(finding.range.start, finding.range.start);
    editor.revealRange(finding.range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    return { uri, finding };
  }

  /** The file that is in front, or was last, or has a tab. */
  private file(): vscode.Uri | undefined {
    const tabs = vscode.window.tabGroups.all
      .flatMap(({ tabs }) => tabs)
      .flatMap(({ input }) => (input instanceof vscode.TabInputText ? [input.uri] : []));
    const last = this.last?.toString();
    return tabs.find((uri) => uri.toString() === last) ?? tabs.find(({ path }) => /\.(ya?ml|json)$/.test(path));
  }
}

/** Put the cursor where the reason of a comment is to be written: nothing else is for the keys that follow. */
async function giveReason(uri: vscode.Uri, line: number | undefined): Promise<void> {
  const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
  const text = line === undefined ? undefined : editor?.document.lineAt(line);
  if (editor && text?.text.includes("kscan:ignore") && !text.text.includes(" -- ")) {
    await editor.edit((edit) => { edit.insert(text.range.end, " -- "); });
    const end = editor.document.lineAt(text.lineNumber).range.end;
    editor.selection = new vscode.Selection(end, end);
  }
}

/** What was found in a file, as soon as something is, or nothing has been for a while. */
async function findings(uri: vscode.Uri): Promise<vscode.Diagnostic[]> {
  const found = () => vscode.languages.getDiagnostics(uri).filter(isOurs);
  if (found().length === 0) {
    await new Promise<void>((done) => {
      const subscription = vscode.languages.onDidChangeDiagnostics(() => {
        if (found().length > 0) {
          end();
        }
      });
      const timer = setTimeout(end, PATIENCE);
      function end() {
        clearTimeout(timer);
        subscription.dispose();
        done();
      }
    });
  }
  return found();
}

function isOurs({ source }: vscode.Diagnostic): boolean {
  return source === SOURCE;
}

function codeOf({ code }: vscode.Diagnostic): string {
  return String(typeof code === "object" ? code.value : (code ?? ""));
}
