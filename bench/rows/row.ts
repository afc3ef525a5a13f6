import type { ChatTarget } from "../client/chat-load.ts";
import type { Target } from "../client/job.ts";

/** A gateway that runs and can be loaded. */
export interface RunningRow {
  readonly target: Target;
  /** Where it speaks OpenClaw's gateway protocol, if it does. */
  readonly chat?: ChatTarget;
  /** Its processes; none for the way without a gateway, or for one that runs elsewhere. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** One line of every table: something between the upstream and the client, or nothing. */
export interface Row {
  readonly name: string;
  readonly what: string;
  readonly protocol: Target["protocol"];
  /** Whether it speaks OpenClaw's gateway protocol, and only that. */
  readonly chats?: "too" | "only";
  /** Whether it answers `/healthz` and has a start page. */
  readonly pages?: boolean;
  /** Whether a survey can do without it. */
  readonly detail?: boolean;
  /** The version of what is measured, as the report names it. */
  version(): string;
  /** Why it cannot run here, and how to change that. */
  missing?(): string | undefined;
  start(upstreamPort: number): Promise<RunningRow>;
}

/** The row that all others are measured above. */
export const DIRECT = "direct";

/** Whether it relays streams: what speaks a chat protocol only is a subject of its own. */
export const isGateway = ({ name, chats }: Row): boolean => name !== DIRECT && chats !== "only";

export const relays = ({ chats }: Row): boolean => chats !== "only";
