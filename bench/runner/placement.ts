import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { type CpuGroup, oneCpuGroup } from "./cpu-group.ts";

/** The roles of cores. */
export type Role = "gateway" | "upstream" | "client";

/**
 * The CPUs that a gateway gets: one core alone by affinity, a control group like that of a container with one CPU, or all.
 * Node, and what it tells V8, see the affinity and the group.
 */
export type Cpus = (typeof CPUS)[number];
export const CPUS = ["core", "container", "all"] as const;

const TASKSET = "taskset";
/** Whether processes can be pinned to cores here. */
export const canPin = availableParallelism() >= 2 && spawnSync(TASKSET, ["--version"]).status === 0;

/** The core of a role: one for the gateway alone, one for upstream and client, or one each if there are enough. */
function coreOf(role: Role): number {
  if (role === "gateway") return 1;
  return role === "client" && availableParallelism() > 2 ? 2 : 0;
}

interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** A command line that pins a process to its role's core, if the machine supports that. */
export const pinned = (role: Role, command: string, args: readonly string[]): Command =>
  canPin ? { command: TASKSET, args: ["-c", String(coreOf(role)), command, ...args] } : { command, args };

/** A gateway's command line, which places it on its CPUs. Call `over` when its process has ended. */
export function placed(cpus: Cpus, command: string, args: readonly string[]): Command & { over: () => void } {
  const group = cpus === "container" ? groupForOne() : undefined;
  if (group) return { ...joining(group, command, args), over: () => group.remove() };
  const place = cpus === "all" ? { command, args } : pinned("gateway", command, args);
  return { ...place, over: () => undefined };
}

const groupForOne = (): CpuGroup | undefined => oneCpuGroup(`sluice-bench-${randomUUID()}`, coreOf("gateway"));

/** A shell joins the group and becomes the gateway, which keeps its process id. */
function joining({ joining: files }: CpuGroup, command: string, args: readonly string[]): Command {
  const script = `${files.map((file) => `echo $$ > ${file}`).join(" && ")} && exec "$0" "$@"`;
  return { command: "/bin/sh", args: ["-c", script, command, ...args] };
}

/** How the processes are placed, and how many CPUs Node finds where a gateway runs. */
export function describePlacement(cpus: Cpus): string {
  const others = canPin
    ? `upstream pinned to core ${coreOf("upstream")}, client to core ${coreOf("client")}`
    : `nothing is pinned to a core (${TASKSET} is missing, or there is one core)`;
  return `${others}; gateway ${placeOf(cpus)}: Node sees ${seenCpus(cpus)} there`;
}

function placeOf(cpus: Cpus): string {
  if (cpus === "all") return "on all cores";
  const core = `pinned to core ${coreOf("gateway")}`;
  if (cpus === "core") return canPin ? core : "on all cores";
  const group = groupForOne();
  group?.remove();
  return group
    ? `in a control group of core ${coreOf("gateway")} with a quota of one CPU`
    : `${core}, as no control group can be made`;
}

/** The number of CPUs by which Node and programs in it choose their threads. */
function seenCpus(cpus: Cpus): string {
  const { command, args, over } = placed(cpus, process.execPath, ["-p", "os.availableParallelism()"]);
  const { stdout } = spawnSync(command, args, { encoding: "utf8" });
  over();
  return `${stdout.trim()} CPU${stdout.trim() === "1" ? "" : "s"}`;
}

/** Whether upstream and client share a core. */
export const sharesCore = (): boolean => coreOf("upstream") === coreOf("client");
