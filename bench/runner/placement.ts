import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Which processes a core is for. */
export type Role = "gateway" | "upstream" | "client";

const TASKSET = "taskset";
const pinning = availableParallelism() >= 2 && spawnSync(TASKSET, ["--version"]).status === 0;

/** The core of a role: the gateway alone on one, upstream and client on another, or on one each where there are enough. */
function coreOf(role: Role): number {
  if (role === "gateway") return 1;
  return role === "client" && availableParallelism() > 2 ? 2 : 0;
}

/** A command line that keeps a process on its role's core, where the machine can do that. */
export const pinned = (role: Role, command: string, args: readonly string[]): { command: string; args: string[] } =>
  pinning ? { command: TASKSET, args: ["-c", String(coreOf(role)), command, ...args] } : { command, args: [...args] };

export function describePlacement(): string {
  if (!pinning) return `no process is pinned to a core (${TASKSET} is missing, or there is one core)`;
  const [gateway, upstream, client] = (["gateway", "upstream", "client"] as const).map(coreOf);
  return `gateway pinned to core ${gateway}, upstream to core ${upstream}, client to core ${client}`;
}

/** Whether upstream and client have only one core together. */
export const sharesCore = (): boolean => coreOf("upstream") === coreOf("client");
