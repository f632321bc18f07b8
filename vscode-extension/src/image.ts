/** All that is known of an image: made by the server, shown in a webview whose policy allows the page's own script alone. */

import * as vscode from "vscode";
import type { Connection } from "./client";

export class ImagePage implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;

  constructor(private readonly connection: Connection) {}

  /** Show the vulnerabilities of an image, in the tab that there already is. */
  async show(uri: string, image: string): Promise<void> {
    const page = await this.connection.ask<{ html: string } | null>("kscan.imagePage", uri, image);
    if (!page) {
      return;
    }
    this.panel ??= this.open();
    this.panel.title = image;
    this.panel.webview.html = page.html;
    this.panel.reveal();
  }

  dispose(): void {
    this.panel?.dispose();
  }

  private open(): vscode.WebviewPanel {
    const options = { enableScripts: true, enableFindWidget: true, localResourceRoots: [] };
    const panel = vscode.window.createWebviewPanel("kscan.image", "kscan", vscode.ViewColumn.Active, options);
    panel.onDidDispose(() => { this.panel = undefined; });
    return panel;
  }
}
