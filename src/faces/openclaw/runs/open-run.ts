import type { Caller } from "../../../core/caller/caller.ts";
import type { Clock } from "../../../core/kernel/clock.ts";
import { type GatewayError, toGatewayError } from "../../../core/kernel/errors.ts";
import type { Relay } from "../../../core/relay/relay.ts";
import type { Stream } from "../../../core/stream/stream.ts";
import { type HistoryLimits, toConversation } from "./conversation.ts";
import { resentFiles } from "./resent-files.ts";
import type { Run } from "./run.ts";
import type { RunRequest } from "./run-request.ts";
import { messagesFor, sessionHeader } from "./upstream-session.ts";

/** What the upstream call of a run is made with. */
export interface OpenParts {
  readonly relay: Relay;
  /** The caller with what its key grants now. Throws `unauthorized`. */
  readonly current: (caller: Caller) => Caller;
  readonly clock: Clock;
  readonly systemPrompt: string | undefined;
  readonly history: HistoryLimits;
}

/**
 * Sends the conversation upstream. `late` says that the message had to wait. Never throws: it returns the error with which
 * the run ends.
 */
export function openRun(parts: OpenParts, run: Run, request: RunRequest, late: boolean): Stream | GatewayError {
  const { relay, clock, systemPrompt, history } = parts;
  const { session } = request;
  const { route } = run.model;
  const system = [systemPrompt, request.system].filter(Boolean).join("\n\n");
  try {
    if (request.refusal) throw request.refusal;
    const turn = toConversation(messagesFor(route, session), {
      system: system === "" ? undefined : system,
      thinking: request.thinking ?? session.text("thinkingLevel"),
      ...history,
    });
    run.resent = resentFiles(turn);
    return relay.open({
      target: { route, model: run.model },
      body: route.dialect.conversation(turn),
      bodyFor: (dialect) => dialect.conversation(turn),
      // Its key may have been revoked while it waited.
      caller: parts.current(request.caller),
      upstreamKey: request.upstreamKey,
      headers: sessionHeader(route, session),
      mayRetry: true,
      face: "openclaw",
      session: session.key,
      connection: request.connection,
      isAdmitted: request.isAdmitted,
      // The wait for the run before it is no part of the gateway's own time.
      receivedAt: late ? clock.now() : request.receivedAt,
    });
  } catch (error) {
    return toGatewayError(error);
  }
}
