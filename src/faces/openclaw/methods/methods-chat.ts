import {
  ChatAbortParams,
  ChatHistoryParams,
  ChatInjectParams,
  ChatMetadataParams,
  ChatSendParams,
  SessionsAbortParams,
  SessionsSendParams,
} from "../../../../protocol/openclaw/chat-params.ts";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { canonicalKey } from "../sessions/session-key.ts";
import type { Call } from "./call.ts";
import { commandEntries, runCommand } from "./commands.ts";
import type { Desk } from "./desk.ts";
import { historyOf } from "./history-view.ts";
import { ANSWERED, method } from "./method.ts";
import { started, submit } from "./submit.ts";

async function history(desk: Desk, params: ReturnType<typeof ChatHistoryParams.parse>, call: Call) {
  const key = canonicalKey(params.sessionKey, params.agentId);
  return historyOf(desk, key, await desk.sessions.open(key), params, call.peer);
}

const isStop = (params: { message: string; suppressCommandInterpretation?: boolean | undefined }): boolean =>
  params.message.trim().toLowerCase() === "/stop" && params.suppressCommandInterpretation !== true;

export const chatMethods = [
  method("chat.startup", SCOPES.read, ChatHistoryParams, history),
  method("chat.history", SCOPES.read, ChatHistoryParams, history),

  method("chat.metadata", SCOPES.read, ChatMetadataParams, (desk) => ({
    models: desk.catalog.list(),
    commands: commandEntries,
  })),

  method("chat.send", SCOPES.write, ChatSendParams, async (desk, params, call) => {
    const key = canonicalKey(params.sessionKey, params.agentId);
    const runId = params.idempotencyKey;
    if (isStop(params)) {
      const runIds = desk.runs.abort(key);
      return { ok: true, aborted: runIds.length > 0, runIds, runId, status: "ok" };
    }
    const isText = params.suppressCommandInterpretation === true || Boolean(params.attachments?.length);
    if (!isText && (await runCommand(desk, call, key, runId, params.message))) return ANSWERED;
    await submit(desk, call, { ...params, key, runId }, (receipt) => call.reply(started(receipt)));
    return ANSWERED;
  }),

  method("sessions.send", SCOPES.write, SessionsSendParams, async (desk, params, call) => {
    const key = canonicalKey(params.key, params.agentId);
    const runId = params.idempotencyKey ?? desk.newId();
    await submit(desk, call, { ...params, key, runId }, (receipt) => call.reply(started(receipt)));
    return ANSWERED;
  }),

  method("chat.abort", SCOPES.write, ChatAbortParams, (desk, params) => {
    const runIds = desk.runs.abort(canonicalKey(params.sessionKey, params.agentId), params.runId);
    return { ok: true, aborted: runIds.length > 0, runIds };
  }),

  method("sessions.abort", SCOPES.write, SessionsAbortParams, (desk, params) => {
    const { runId } = params;
    if (params.key === undefined && runId === undefined) throw new GatewayError("bad_request", "key or runId required");
    const key =
      params.key === undefined ? desk.receipts.get(runId ?? "")?.sessionKey : canonicalKey(params.key, params.agentId);
    // Without `clearQueued` the messages that wait keep their turn.
    const meant = params.clearQueued ? runId : (runId ?? desk.runs.active(key ?? "")?.id ?? "");
    const abortedRunId = (key === undefined ? [] : desk.runs.abort(key, meant)).at(-1) ?? null;
    return { ok: true, abortedRunId, status: abortedRunId === null ? "no-active-run" : "aborted" };
  }),

  method("chat.inject", SCOPES.admin, ChatInjectParams, async (desk, params) => {
    const session = await desk.sessions.openOrCreate(canonicalKey(params.sessionKey, params.agentId));
    const text = params.label === undefined ? params.message : `[${params.label}]\n\n${params.message}`;
    const message = desk.runner.inject(session, text);
    return { ok: true, messageId: message.id };
  }),
];
