import type { Config } from "../config/schema.ts";
import type { LogOptions, StartRecord } from "../observe/log.ts";
import type { TailRequest, TailResult } from "../observe/log-tail.ts";
import type { MetricValues } from "../observe/metrics.ts";
import type { SocketSource } from "../transport/http/handed-sockets.ts";
import type { Reloaded } from "./current-config.ts";
import type { Refused } from "./reload.ts";

/** What the process tells its gateway. */
export interface GatewayOptions {
  readonly version: string;
  /** This process's id, which its lock on the data directory shows to other gateways. */
  readonly pid: number;
  /** Its number among the processes of one machine that serve behind one port, from 1; undefined if there is only this one. */
  readonly worker?: number | undefined;
  /** How the process runs, for the log's line `started`. */
  readonly engine?: StartRecord["engine"];
  /** Where log lines go; by default standard output. */
  readonly logTo?: LogOptions["target"];
  /** What a worker has in common with the others. */
  readonly common?: Common;
}

/** What the workers of one port have in common; the process that started them keeps it. */
export interface Common {
  /** The port. */
  readonly sockets: SocketSource;
  /** The newest lines of all logs. */
  readonly logs: { read(request: TailRequest): Promise<TailResult> };
  /** The metrics of all, in Prometheus' text format. */
  metrics(): Promise<string>;
}

/** A running gateway. */
export interface Gateway {
  /** `http://host:port`, as bound. */
  readonly url: string;
  /** The address of `/metrics`, if it has its own listener. */
  readonly metricsUrl: string | undefined;
  /** What its log's line `started` says. */
  readonly record: StartRecord;
  /** The metrics of this process alone; none if they are off. */
  measure(): Promise<MetricValues>;
  /**
   * Reads the configuration again and puts into effect what may change, all at once. Logs what changed, or why `load`
   * or a route refuses it: nothing has changed then. Never throws.
   */
  reload(load: () => Config): Reloaded | Refused;
  /**
   * Refuses new requests, lets running streams end within `limits.drainMs`, commits pending writes, and closes.
   * `reason` goes into the log's last line; after SIGTERM the gateway keeps listening for at least `limits.lingerMs`.
   */
  close(reason?: string): Promise<void>;
}
