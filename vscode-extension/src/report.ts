/**
 * The compliance report: a page that the server makes, shown in a webview that can run nothing but the lines below, and
 * the script of the page that its policy has the hash of.
 */

import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import type { Connection } from "./client";

export const PLACE = "kscan-place:";

/** Pass clicks on places to the extension; a webview opens other links by itself, after asking. */
const SCRIPT = `
  const vscode = acquireVsCodeApi();
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='${PLACE}']");
    if (link) {
      event.preventDefault();
      vscode.postMessage(link.getAttribute("href"));
    }
  });`;

export class Report implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;

  constructor(private readonly connection: Connection) {}

  /** Ask the server for the report and show it, in the tab that it already has if there is one. */
  async show(): Promise<void> {
    const report = await this.connection.ask<{ html: string } | null>("kscan.report");
    if (!report) {
      return;
    }
    this.panel ??= this.open();
    this.panel.webview.html = secured(report.html);
    this.panel.reveal();
  }

  dispose(): void {
    this.panel?.dispose();
  }

  private open(): vscode.WebviewPanel {
    const options = { enableScripts: true, enableFindWidget: true, localResourceRoots: [] };
    const panel = vscode.window.createWebviewPanel("kscan.report", "kscan report", vscode.ViewColumn.Active, options);
    panel.webview.onDidReceiveMessage(openPlace);
    panel.onDidDispose(() => { this.panel = undefined; });
    return panel;
  }
}

/**
 * The page with our script added and allowed, by changing its own policy, which allows its own styles and, by its hash,
 * the script that searches and sorts, if it has one. Of two lists of scripts only the first would count.
 */
function secured(html: string): string {
  const nonce = randomBytes(16).toString("base64");
  const [policy] = /<meta http-equiv="Content-Security-Policy" content="default-src 'none';[^"]*">/.exec(html) ?? [];
  if (policy === undefined) {
    throw new Error("The kscan server sent a report without a content security policy. Update it.");
  }
  const scripts = `script-src 'nonce-${nonce}'`;
  const ours = policy.includes("script-src ")
    ? policy.replace("script-src", scripts)
    : policy.replace("default-src 'none'", `default-src 'none'; ${scripts}`);
  return html
    .replace(policy, () => ours)
    .replace("</body>", (end) => `<script nonce="${nonce}">${SCRIPT}</script>${end}`);
}

/** Open what a link of a page names: `kscan-place:<percent-encoded file URI>#L<line>,<column>`, counted from 1. */
export async function openPlace(link: unknown): Promise<void> {
  const [, encoded, line, column] = /^kscan-place:([^#]+)#L(\d+),(\d+)$/.exec(String(link)) ?? [];
  const uri = encoded === undefined ? undefined : vscode.Uri.parse(decodeURIComponent(encoded), true);
  if (uri?.scheme !== "file") {
    return;
  }
  const place = new vscode.Position(Number(line) - 1, Number(column) - 1);
  await vscode.window.showTextDocument(uri, { selection: new vscode.Range(place, place), viewColumn: vscode.ViewColumn.Active });
}
