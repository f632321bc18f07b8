/** The page about a control: made by the server, shown in a webview without scripts, whose places are command links. */

import * as vscode from "vscode";
import type { Connection } from "./client";
import { PLACE } from "./report";

/** The command behind places on the page; no other can be run from there. */
export const OPEN_PLACE = "kscan.openPlace";

export class Explanation implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private shown: { readonly uri: string; readonly control: string; readonly html: string } | undefined;
  private readonly subscription: vscode.Disposable;

  constructor(private readonly connection: Connection) {
    // where it fails changes with the text
    this.subscription = connection.onDidChange(() => {
      if (this.shown && this.panel?.visible) {
        void this.render(this.shown.uri, this.shown.control);
      }
    });
  }

  /** Show what the server has to say about a control, beside the text, in the tab that there already is. */
  async show(uri: string, control: string): Promise<void> {
    await this.render(uri, control);
    this.panel?.reveal(undefined, true);
  }

  dispose(): void {
    this.subscription.dispose();
    this.panel?.dispose();
  }

  private async render(uri: string, control: string): Promise<void> {
    const page = await this.connection.ask<{ html: string } | null>("kscan.explanationPage", uri, control);
    if (!page || (this.panel && this.shown?.html === page.html)) {
      return;
    }
    this.shown = { uri, control, html: page.html };
    this.panel ??= this.open();
    this.panel.title = control;
    this.panel.webview.html = page.html.replaceAll(
      new RegExp(`href="(${PLACE}[^"]*)"`, "g"),
      (_, link: string) => `href="command:${OPEN_PLACE}?${encodeURIComponent(JSON.stringify([link]))}"`,
    );
  }

  private open(): vscode.WebviewPanel {
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    const options = { enableScripts: false, enableFindWidget: true, enableCommandUris: [OPEN_PLACE], localResourceRoots: [] };
    const panel = vscode.window.createWebviewPanel("kscan.explanation", "kscan", column, options);
    panel.onDidDispose(() => { this.panel = undefined; });
    return panel;
  }
}
