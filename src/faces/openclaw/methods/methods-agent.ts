import { AgentParams, AgentWaitParams } from "../../../../protocol/openclaw/chat-params.ts";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { MAX_TIMER_MS } from "../../../core/kernel/clock.ts";
import { toErrorShape } from "../clients/errors.ts";
import type { Outcome, RunRecord } from "../runs/run-records.ts";
import { notesOf } from "../sessions/notes.ts";
import { AGENT_ID, canonicalKey, MAIN_KEY } from "../sessions/session-key.ts";
import { plainText, wireUsage } from "../sessions/transcript-view.ts";
import type { Call } from "./call.ts";
import { expectSame } from "./expectations.ts";
import { ANSWERED, method } from "./method.ts";
import type { Services } from "./services.ts";
import { submit } from "./submit.ts";

/** The default of `agent.wait`. */
const DEFAULT_WAIT_MS = 30_000;

/** A run named by a session id alone gets a session of its own, as in OpenClaw. */
function keyOf(params: {
  sessionKey?: string | undefined;
  sessionId?: string | undefined;
  agentId?: string | undefined;
}) {
  const { sessionKey, sessionId, agentId } = params;
  if (sessionKey) return canonicalKey(sessionKey, agentId);
  return canonicalKey(sessionId ? `explicit:${sessionId}` : MAIN_KEY, agentId);
}

/** Sends the second response of `agent`. */
function answer(call: Call, record: RunRecord, outcome: Outcome): void {
  const { runId } = record;
  if (outcome.status === "ok")
    call.reply({ runId, status: "ok", summary: "completed", result: resultOf(record, outcome) });
  else if (outcome.status === "aborted") {
    call.reply({ runId, status: "timeout", summary: "aborted", stopReason: outcome.stopReason });
  } else {
    call.refuse(toErrorShape(outcome.error), { runId, status: "error", summary: outcome.error.message });
  }
}

function resultOf(record: RunRecord, { endedAt }: Outcome) {
  const message = record.message;
  const usage = wireUsage(message?.usage);
  const agentMeta = { provider: message?.route, model: message?.model, ...(usage && { usage }) };
  const texts = message ? [plainText(message), ...notesOf(message).map(({ text }) => text)] : [];
  const payloads = texts.map((text) => ({ text, mediaUrl: null }));
  return { payloads, meta: { durationMs: endedAt - (record.startedAt ?? endedAt), agentMeta } };
}

function waitResult(record: RunRecord | undefined, runId: string) {
  const startedAt = record?.startedAt;
  const times = startedAt === undefined ? {} : { startedAt };
  const outcome = record?.outcome;
  if (!outcome) return { runId, status: "timeout", ...times };
  const { endedAt } = outcome;
  switch (outcome.status) {
    case "ok":
      return { runId, status: "ok", ...times, endedAt, stopReason: outcome.stopReason };
    case "aborted":
      return { runId, status: "timeout", ...times, endedAt, stopReason: outcome.stopReason };
    case "error":
      return { runId, status: "error", ...times, endedAt, error: outcome.error.message };
  }
}

function wait(services: Services, runId: string, timeoutMs: number, call: Call): void {
  const record = services.records.get(runId);
  const answer = () => {
    clearTimeout(timer);
    stop?.();
    call.reply(waitResult(record, runId));
  };
  const timer = setTimeout(answer, Math.min(timeoutMs, MAX_TIMER_MS)).unref();
  const stop = record?.outcome ? undefined : record?.onOutcome(answer);
  if (record?.outcome) answer();
}

/** Methods about the one agent there is. */
export const agentMethods = [
  method("agent", SCOPES.write, AgentParams, async (services, params, call) => {
    const key = keyOf(params);
    expectSame(services.sessions.get(key), { expectedSessionId: params.expectedExistingSessionId });
    const selection = [params.provider, params.model].filter(Boolean).join("/");
    const submission = {
      key,
      runId: params.idempotencyKey,
      message: params.message,
      attachments: params.attachments,
      thinking: params.thinking,
      system: params.extraSystemPrompt,
      timeoutMs: (params.timeout ?? 0) * 1000,
      model: params.model ? services.catalog.get(selection) : undefined,
      agentCaller: call.client,
    };
    await submit(services, call, submission, (record) => {
      const { runId } = record;
      call.announce({
        runId,
        sessionKey: key,
        agentId: AGENT_ID,
        status: "accepted",
        acceptedAt: services.clock.wall(),
      });
      record.onOutcome((outcome) => answer(call, record, outcome));
    });
    return ANSWERED;
  }),

  method("agent.wait", SCOPES.write, AgentWaitParams, (services, params, call) => {
    wait(services, params.runId, params.timeoutMs ?? DEFAULT_WAIT_MS, call);
    return ANSWERED;
  }),
];
