import type { Target } from "../client/job.ts";

/** A gateway that runs and can be loaded. */
export interface RunningRow {
  readonly target: Target;
  /** Its processes; none for the way without a gateway, or for one that runs elsewhere. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** One line of every table: something between the upstream and the client, or nothing. */
export interface Row {
  readonly name: string;
  readonly what: string;
  readonly protocol: Target["protocol"];
  /** Whether it answers `/healthz` and has a start page. */
  readonly pages?: boolean;
  /** The version of what is measured, as the report names it. */
  version(): string;
  /** Why it cannot run here, and how to change that. */
  missing?(): string | undefined;
  start(upstreamPort: number): Promise<RunningRow>;
}

/** The row that all others are measured above. */
export const DIRECT = "direct";

export const isGateway = ({ name }: Row): boolean => name !== DIRECT;
