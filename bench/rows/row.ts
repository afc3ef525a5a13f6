import type { ChatTarget } from "../client/chat-load.ts";
import type { Target } from "../client/job.ts";
import type { Api } from "../payload/shape.ts";
import type { Started } from "../runner/child.ts";
import type { Cpus } from "../runner/placement.ts";

/** A running gateway that can be loaded. */
export interface RunningRow {
  readonly target: Target;
  /** Its address for OpenClaw's gateway protocol, if it speaks it. */
  readonly chat?: ChatTarget;
  /** When its process started; nothing without one. */
  readonly started?: Started;
  /** Where it shows its metrics, if it does. */
  readonly metricsUrl?: string;
  /** Its processes; none without a gateway, or if it runs elsewhere. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** A row of every table: what stands between upstream and client, or nothing. */
export interface Row {
  readonly name: string;
  readonly what: string;
  readonly protocol: Target["protocol"];
  /** Whether it speaks only OpenClaw's gateway protocol. */
  readonly chats?: "too" | "only";
  /** Whether it serves `/healthz` and a start page. */
  readonly pages?: boolean;
  /** The APIs it can relay; all if it does not say. */
  readonly apis?: readonly Api[];
  /** The scenarios that measure it unless it is named; all if it does not say. */
  readonly scenarios?: readonly string[];
  /** Whether a survey omits it. */
  readonly detail?: boolean;
  /** The measured version, as the report names it. */
  version(): string;
  /** Why it cannot run here, and how to change that. */
  missing?(): string | undefined;
  start(upstreamPort: number, cpus: Cpus): Promise<RunningRow>;
}

/** The row that all others are compared with. */
export const DIRECT = "direct";

/** Whether it relays streams; rows that only speak a chat protocol are measured separately. */
export const isGateway = ({ name, chats }: Row): boolean => name !== DIRECT && chats !== "only";

/** Whether it can relay an API's streams. */
export const speaks = ({ apis }: Row, api: Api): boolean => apis === undefined || apis.includes(api);

export const relays = ({ chats }: Row): boolean => chats !== "only";
