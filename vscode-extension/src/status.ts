/** The item in the status bar: findings of the file by severity, and the score of its frameworks. */

import * as vscode from "vscode";
import type { Connection } from "./client";

const CALM = 150; // milliseconds without a change until the server is asked; a burst of edits is one question

interface Status {
  readonly critical: number;
  readonly high: number;
  readonly medium: number;
  readonly low: number;
  readonly suppressed: number;
  readonly frameworks: readonly { readonly id: string; readonly name: string; readonly score: number }[];
}

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("kscan.status", vscode.StatusBarAlignment.Right, 100);
  private readonly subscriptions: vscode.Disposable[];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly connection: Connection) {
    this.item.name = "kscan";
    this.item.command = "kscan.showReport";
    this.subscriptions = [
      vscode.window.onDidChangeActiveTextEditor(() => { this.refresh(); }),
      vscode.languages.onDidChangeDiagnostics(({ uris }) => {
        const shown = vscode.window.activeTextEditor?.document.uri.toString();
        if (uris.some((uri) => uri.toString() === shown)) {
          this.refresh();
        }
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.timer);
    vscode.Disposable.from(this.item, ...this.subscriptions).dispose();
  }

  private refresh(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.show(), CALM);
  }

  private async show(): Promise<void> {
    const document = vscode.window.activeTextEditor?.document;
    const uri = document?.uri.toString();
    const known = uri !== undefined && ["yaml", "json"].includes(document?.languageId ?? "") && this.connection.offers("kscan.status");
    const status = known ? await this.connection.ask<Status | null>("kscan.status", uri) : undefined;
    if (uri !== vscode.window.activeTextEditor?.document.uri.toString()) {
      return; // another editor is in front by now, and has a question of its own
    }
    if (!status) {
      this.item.hide();
      return;
    }
    const counts = (["critical", "high", "medium", "low"] as const).map((name) => ({ name, count: status[name] }));
    const found = counts.filter(({ count }) => count > 0).map(({ name, count }) => `${count.toString()} ${name}`);
    const scores = status.frameworks.map(({ name, score }) => `${name} ${percent(score)}`);
    this.item.text = `$(shield) ${found.join(", ") || "no findings"}${scores[0] ? ` · ${scores[0]}` : ""}`;
    this.item.tooltip = [`kscan: ${found.join(", ") || "no findings"}, ${status.suppressed.toString()} suppressed`, ...scores].join("\n");
    this.item.accessibilityInformation = { label: this.item.tooltip };
    this.item.show();
  }
}

function percent(score: number): string {
  return `${Math.floor(score).toString()}%`;
}
