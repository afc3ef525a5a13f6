import { modelOn } from "../../../core/dialect/routing.ts";
import { GatewayError, toGatewayError } from "../../../core/kernel/errors.ts";
import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import { inWords } from "../../chat/failure-words.ts";
import { chatFailure } from "../clients/errors.ts";
import { notesOf } from "../sessions/notes.ts";
import type { Settings } from "../sessions/session.ts";
import { stopReasonOf, wireUsage } from "../sessions/transcript-view.ts";
import type { Run, RunEnd } from "./run.ts";
import { textMessage } from "./run-frames.ts";
import type { Outcome } from "./run-records.ts";

/** What is stored, sent and changed when a run ends. */
export interface RunEnding {
  /** The answer to store, complete or not. */
  readonly message: Omit<TranscriptMessage, "id" | "seq" | "timestamp">;
  /** The last `chat` event, without identity and number. */
  readonly chat: { readonly message?: object; readonly [field: string]: unknown };
  /** The last `agent` event of stream `lifecycle`. */
  readonly lifecycle: object;
  readonly outcome: Outcome;
  /** Changes to the session. */
  readonly settings: Settings;
}

/** OpenClaw's stop reason for a run that a client stopped. */
export const ABORTED_BY_CLIENT = "rpc";

/** The reason stored with a partial answer; it stands if the gateway is killed before the run ends. */
export const INTERRUPTED = new GatewayError("internal", "the gateway stopped in the middle of this answer", {
  retryable: false,
});

/** `endedAt` is the wall clock in milliseconds. */
export function endingOf(run: Run, end: RunEnd, endedAt: number): RunEnding {
  const model = modelOn(run.model, end.target);
  const common = { role: "assistant", content: run.content.parts, runId: run.id, model: model.alias } as const;
  const { unreadEvents } = end;
  const message = {
    ...common,
    route: model.route.name,
    ...(end.usage && { usage: end.usage }),
    ...(unreadEvents !== undefined && { unreadEvents }),
    ...(run.resent && { resent: run.resent }),
  };
  const usage = wireUsage(end.usage, model.price);
  const text = run.content.text;
  const written = textMessage(text, endedAt);
  const shown = { ...written, content: [...written.content, ...notesOf(message)] };
  const partial = text === "" && unreadEvents === undefined ? {} : { message: shown };
  const times = { startedAt: run.startedAt, endedAt };
  const tokens = usage && {
    inputTokens: usage.input,
    outputTokens: usage.output,
    totalTokens: usage.totalTokens,
  };
  const settings = {
    ...times,
    runtimeMs: endedAt - run.startedAt,
    lastRunId: run.id,
    lastRunError: null,
    // How full the context is: an unanswered question leaves it as it was.
    ...(end.status !== "failed" && tokens),
  };

  if (end.status === "completed") {
    const stopReason = stopReasonOf(end.finish);
    const notes = notesOf({ ...message, stopReason });
    const final = {
      ...written,
      content: text === "" && notes.length > 0 ? notes : [...written.content, ...notes],
    };
    return {
      message: { ...message, stopReason },
      chat: { state: "final", stopReason, message: final, ...(usage && { usage }) },
      lifecycle: { phase: "end", stopReason, ...times },
      outcome: { status: "ok", stopReason, endedAt },
      settings: { ...settings, status: "done", unread: true },
    };
  }
  if (end.status === "cancelled") {
    const stopReason = ABORTED_BY_CLIENT;
    const failure = { code: "cancelled", message: "stopped by a client" } as const;
    return {
      message: { ...message, stopReason: "aborted", failure },
      chat: { state: "aborted", stopReason, ...partial },
      lifecycle: { phase: "end", status: "cancelled", aborted: true, stopReason, ...times },
      outcome: { status: "aborted", stopReason, endedAt },
      settings: { ...settings, status: "killed" },
    };
  }
  const error: GatewayError = toGatewayError(end.error);
  const told = inWords(error, model.route.name);
  const failure = { code: error.code, message: told.message };
  return {
    message: { ...message, stopReason: "error", failure },
    chat: { state: "error", ...chatFailure(error, model), ...partial, ...(usage && { usage }) },
    lifecycle: { phase: "error", error: told.message, ...times },
    outcome: { status: "error", error: told, endedAt },
    settings: {
      ...settings,
      status: error.code === "upstream_timeout" ? "timeout" : "failed",
      lastRunError: told.message,
    },
  };
}
