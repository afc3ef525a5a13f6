import { closeSync, openSync } from "node:fs";

/** Whether the terminal that the process belongs to has gone: it then gets a SIGHUP that asks for no reload. */
export function isTerminalGone(hadTerminal: boolean): boolean {
  if (!hadTerminal) return false;
  try {
    closeSync(openSync("/dev/tty", "r"));
    return false;
  } catch {
    return true;
  }
}
