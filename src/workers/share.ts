import type { Config } from "../config/schema.ts";

const MIB = 2 ** 20;
/** What a Node process takes besides its heap (measured: 60 MiB). Each process has its own. */
const PROCESS_MIB = 64;
/** With less nothing would work at all; `sluice check` warns long before. */
const LEAST_HEAP_MIB = 64;
/** Megabytes of a semi-space as `npm start` and the container set it; the young generation is three of them. */
const SEMI_SPACE_MIB = 8;
const SEMI_SPACES = 3;

/** Node's options for the size of the old generation, in either spelling; they take a value behind `=` only. */
const OLD_SPACE = /^--max[-_]old[-_]space[-_]size([-_]percentage)?(=|$)/;
const SEMI_SPACE = /^--max[-_]semi[-_]space[-_]size=(\d+)$/;

/** The options of a process: its arguments, and those of NODE_OPTIONS. */
export interface NodeOptions {
  readonly execArgv: readonly string[];
  readonly nodeOptions: string | undefined;
}

/** The heap of one of several workers, in MiB, that together have the memory of one gateway with this heap. */
export const heapMibOf = (heapBytes: number, workers: number): number =>
  Math.max(LEAST_HEAP_MIB, Math.floor(heapBytes / MIB / workers) - PROCESS_MIB);

/**
 * Node's options for a worker: those of this process, with a heap of `heapMib`. A size in NODE_OPTIONS goes too, because a
 * percentage there overrides the size that the worker is given.
 */
export function optionsOfWorker({ execArgv, nodeOptions = "" }: NodeOptions, heapMib: number): NodeOptions {
  const inherited = nodeOptions.split(/\s+/).filter((option) => option !== "" && !OLD_SPACE.test(option));
  const own = execArgv.filter((option) => !OLD_SPACE.test(option));
  const semi = [...inherited, ...own].flatMap((option) => SEMI_SPACE.exec(option)?.[1] ?? []).at(-1);
  const youngMib = SEMI_SPACES * Number(semi ?? SEMI_SPACE_MIB);
  const old = `--max-old-space-size=${Math.max(1, heapMib - youngMib)}`;
  const young = semi === undefined ? [`--max-semi-space-size=${SEMI_SPACE_MIB}`] : [];
  return { execArgv: [...own, ...young, old], nodeOptions: inherited.join(" ") };
}

/** A worker's part of what the configuration gives the whole gateway in bytes. What is derived from its heap is a part already. */
export function configOfWorker(config: Config, number: number, workers: number): Config {
  const part = (bytes: number) => Math.ceil(bytes / workers);
  const { limits } = config;
  const { requests } = limits;
  const { listen } = config.cluster;
  return {
    ...config,
    limits: {
      ...limits,
      totalLogBytes: part(limits.totalLogBytes),
      inboundBytes: part(limits.inboundBytes),
      requests: { ...requests, responsesMemoryBytes: part(requests.responsesMemoryBytes) },
    },
    // The primary process writes their lines, in the configured form.
    log: { ...config.log, pretty: false },
    // Other nodes reach each worker: the first takes the port, the next ones those after it.
    cluster: { ...config.cluster, listen: { ...listen, port: listen.port && listen.port + number - 1 } },
    // Among the workers; the primary process claims the data for all of them.
    data: { ...config.data, shared: true },
  };
}
