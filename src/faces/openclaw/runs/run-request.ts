import type { Caller } from "../../../core/caller/caller.ts";
import type { Part } from "../../../core/dialect/dialect.ts";
import type { Model } from "../../../core/dialect/routing.ts";
import type { ClientSession } from "../clients/client-session.ts";
import type { Session } from "../sessions/session-store.ts";

/** A message to be answered. */
export interface RunRequest {
  readonly runId: string;
  readonly session: Session;
  readonly content: readonly Part[];
  readonly caller: Caller;
  /** The caller's own upstream key, if it brought one. */
  readonly upstreamKey: string | undefined;
  readonly connection: string;
  /** Clock reading when the request's frame came in, in milliseconds. */
  readonly receivedAt: number;
  readonly thinking?: string | undefined;
  /** For this run alone, instead of the session's. */
  readonly model?: Model | undefined;
  /** Put behind the gateway's own system prompt. */
  readonly system?: string | undefined;
  /** 0 and undefined: as long as the route allows. */
  readonly timeoutMs?: number | undefined;
  /** Set when the client used the `agent` method. */
  readonly agentCaller?: ClientSession | undefined;
  /** `Relay.admit` counted it when it was accepted. */
  readonly isAdmitted?: boolean | undefined;
}
