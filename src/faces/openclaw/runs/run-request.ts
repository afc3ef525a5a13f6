import type { Caller } from "../../../core/caller/caller.ts";
import type { Model } from "../../../core/dialect/routing.ts";
import type { GatewayError } from "../../../core/kernel/errors.ts";
import type { TranscriptPart } from "../../../core/ports/transcripts.ts";
import type { ClientSession } from "../clients/client-session.ts";
import type { Session } from "../sessions/session.ts";

/** A message to answer. */
export interface RunRequest {
  readonly runId: string;
  readonly session: Session;
  readonly content: readonly TranscriptPart[];
  readonly caller: Caller;
  /** The caller's own upstream key, if it sent one. */
  readonly upstreamKey: string | undefined;
  /** Undefined for a message from before a restart. */
  readonly connection: string | undefined;
  /** Monotonic time at which the request's frame arrived, in milliseconds. */
  readonly receivedAt: number;
  readonly thinking?: string | undefined;
  /** Overrides the session's model for this run. */
  readonly model?: Model | undefined;
  /** Appended to the gateway's own system prompt. */
  readonly system?: string | undefined;
  /** 0 or undefined: as long as the route allows. */
  readonly timeoutMs?: number | undefined;
  /** Set when the client used the `agent` method. */
  readonly agentCaller?: ClientSession | undefined;
  /** Whether `Relay.admit` has already counted it. */
  readonly isAdmitted?: boolean | undefined;
  /** Why it cannot be answered any more: its run ends with this. */
  readonly refusal?: GatewayError | undefined;
}
