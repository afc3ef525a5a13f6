import type { Socket } from "node:net";
import type { FilesRead } from "../config/read-files.ts";
import type { StartRecord } from "../observe/log.ts";
import type { TailRequest, TailResult } from "../observe/log-tail.ts";
import type { MetricValues } from "../observe/metrics.ts";

/** The environment variable with a worker's number; it makes a process a worker. */
export const WORKER_VARIABLE = "SLUICE_WORKER";

/** What a worker starts with. */
export interface WorkerStart {
  /** How many workers share the port and the memory. */
  readonly workers: number;
  /** Where the primary process listens. */
  readonly url: string;
  /** What the configuration is made of: the same for all. */
  readonly files: FilesRead;
}

/** How a worker's reload went. */
export interface WorkerReload {
  readonly changed?: readonly string[];
  readonly restart?: readonly string[];
  readonly refused?: string;
}

/** What a worker may call in the primary process. */
export interface PrimaryCalls {
  /** What to start with. */
  start(value: null): WorkerStart;
  /** The worker serves. */
  ready(record: StartRecord): void;
  /** The worker cannot start, and why, in a line for the operator. */
  failed(reason: string): void;
  /** The socket of this number has arrived. */
  taken(number: number): void;
  /** How many of its sockets have closed so far. */
  closed(count: number): void;
  /** The worker takes no more sockets. */
  full(value: null): void;
  /** The worker was sent SIGTERM. */
  terminated(value: null): void;
  /** The metrics of all workers. */
  metrics(value: null): Promise<string>;
  /** The newest lines of all workers. */
  lines(request: TailRequest): TailResult;
}

/** What the primary process may call in a worker. */
export interface WorkerCalls {
  /** A socket of the port. */
  socket(number: number, socket?: Socket): void;
  /** Its own metrics. */
  measure(value: null): Promise<MetricValues>;
  /** Puts another configuration into effect, as far as it may change in a running gateway. */
  reload(files: FilesRead): Promise<WorkerReload>;
  /** To stop, and the reason for its log. */
  stop(reason: string): void;
}
