import { clusterProblem } from "../compose/cluster.ts";
import { routesToRefusedAddresses, unreachableRoutes } from "../compose/unreachable-routes.ts";
import { openFilesWarning, warningsOf } from "../config/cross-checks.ts";
import { ignoredProxyWarning } from "../config/proxy.ts";
import type { Config } from "../config/schema.ts";
import { usableFiles } from "../observe/open-files.ts";
import type { CommandWorld } from "./command.ts";
import { describeFault } from "./start-failure.ts";

/** The part of the outside world that warnings use. */
export interface WarnWorld extends Pick<CommandWorld, "env" | "stderr"> {
  /** This process's limit on open files, where the system reports one. */
  readonly openFiles: number | undefined;
  /** All addresses of a host name; rejects if there are none now. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
}

/** Writes one warning. */
export const warn = ({ stderr }: Pick<WarnWorld, "stderr">, warning: string): unknown =>
  stderr.write(`sluice: warning: ${warning}\n`);

/** Warns of what is allowed but probably a mistake. */
export function warnOf(config: Config, world: Pick<WarnWorld, "env" | "stderr">): void {
  const ignoredProxy = ignoredProxyWarning(config.routes, world.env) ?? [];
  for (const text of [...warningsOf(config), ...unreachableRoutes(config)].concat(ignoredProxy)) warn(world, text);
}

/** Warns of routes whose names lead to addresses that are refused. Takes as long as looking them up. */
export async function warnOfNames(config: Config, world: WarnWorld): Promise<void> {
  for await (const warning of routesToRefusedAddresses(config, world.resolve)) warn(world, warning);
}

/** Warns of a cluster that could not be joined now, or whose Redis is probably set up wrong. Never rejects. */
export async function warnOfCluster(config: Config, world: Pick<WarnWorld, "stderr">): Promise<void> {
  try {
    const problem = await clusterProblem(config);
    if (problem !== undefined) warn(world, problem);
  } catch (error) {
    warn(world, `cluster.redis: ${describeFault(error)}`);
  }
}

/** Warns if the limits allow more sockets than the process may open. */
export function warnOfOpenFiles(config: Config, world: WarnWorld): void {
  const { openFiles } = world;
  const warning = openFiles === undefined ? undefined : openFilesWarning(config, usableFiles(openFiles));
  if (warning) warn(world, warning);
}
