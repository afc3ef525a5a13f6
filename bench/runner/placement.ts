import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** The roles of cores. */
export type Role = "gateway" | "upstream" | "client";

const TASKSET = "taskset";
const pinning = availableParallelism() >= 2 && spawnSync(TASKSET, ["--version"]).status === 0;

/** The core of a role: one for the gateway alone, one for upstream and client, or one each if there are enough. */
function coreOf(role: Role): number {
  if (role === "gateway") return 1;
  return role === "client" && availableParallelism() > 2 ? 2 : 0;
}

/** A command line that pins a process to its role's core, if the machine supports that. */
export const pinned = (role: Role, command: string, args: readonly string[]): { command: string; args: string[] } =>
  pinning ? { command: TASKSET, args: ["-c", String(coreOf(role)), command, ...args] } : { command, args: [...args] };

export function describePlacement(): string {
  if (!pinning) return `no process is pinned to a core (${TASKSET} is missing, or there is one core)`;
  const [gateway, upstream, client] = (["gateway", "upstream", "client"] as const).map(coreOf);
  return `gateway pinned to core ${gateway}, upstream to core ${upstream}, client to core ${client}`;
}

/** Whether upstream and client share a core. */
export const sharesCore = (): boolean => coreOf("upstream") === coreOf("client");
