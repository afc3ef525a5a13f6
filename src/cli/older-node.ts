import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";

/** Names this process to the Node it starts, which then knows whose copies of a signal to expect. */
export const LAUNCHER = "SLUICE_LAUNCHER";

/** What starting another Node needs of this one. */
export interface OlderNode {
  readonly pid: number;
  readonly execArgv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  on(signal: NodeJS.Signals, listener: () => void): unknown;
}

const FORWARDED = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * The Node that npm installed beside the file `from`, a URL or a path, because the package lists it among its optional
 * dependencies. Undefined where they have none for this system or were left out.
 */
export function installedNode(from: string, platform: string, processor: string): string | undefined {
  const windows = platform === "win32";
  try {
    const name = `node-${windows ? "win" : platform}-${processor}/bin/${windows ? "node.exe" : "node"}`;
    const path = createRequire(from).resolve(name);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Runs a program with another Node on this process's terminal, and passes signals on. Resolves with its exit code, or 128
 * and the number of the signal that ended it, as a shell does. Rejects when it cannot be started.
 */
export async function runOn(node: string, args: readonly string[], self: OlderNode): Promise<number> {
  const env = { ...self.env, [LAUNCHER]: String(self.pid) };
  const child = spawn(node, [...self.execArgv, ...args], { stdio: "inherit", env });
  for (const signal of FORWARDED) self.on(signal, () => void child.kill(signal));
  const [code, signal] = await once(child, "exit");
  return code ?? 128 + constants.signals[signal as NodeJS.Signals];
}
