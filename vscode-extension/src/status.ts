/** The item in the status bar: what the server says of the file in front and of the workspace, in its words. */

import * as vscode from "vscode";
import type { Connection } from "./client";

const CALM = 150; // milliseconds without a change until the server is asked; a burst of edits is one question

interface Status {
  readonly text: string;
  readonly lines: readonly string[];
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
      connection.onDidChange(() => { this.refresh(); }),
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
    const uri = vscode.window.activeTextEditor?.document.uri.toString();
    const ofFile = uri === undefined ? undefined : await this.ask("kscan.status", uri);
    const status = ofFile ?? (await this.ask("kscan.workspaceStatus"));
    if (uri !== vscode.window.activeTextEditor?.document.uri.toString()) {
      return; // another editor is in front by now, and has a question of its own
    }
    if (!status) {
      this.item.hide();
      return;
    }
    this.item.text = `$(shield) ${status.text}`;
    this.item.tooltip = `kscan\n${status.lines.join("\n")}`;
    this.item.accessibilityInformation = { label: `kscan: ${status.lines.join(". ")}` };
    this.item.show();
  }

  private async ask(command: string, ...args: string[]): Promise<Status | null | undefined> {
    return this.connection.offers(command) ? await this.connection.ask<Status | null>(command, ...args) : undefined;
  }
}
