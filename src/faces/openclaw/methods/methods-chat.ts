import {
  ChatAbortParams,
  ChatHistoryParams,
  ChatInjectParams,
  ChatMetadataParams,
  ChatSendParams,
  ChatStartupParams,
  SessionsAbortParams,
  SessionsSendParams,
} from "../../../../protocol/openclaw/chat-params.ts";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { canonicalKey } from "../sessions/session-key.ts";
import { resolveSession } from "../sessions/session-reference.ts";
import type { Call } from "./call.ts";
import { commandEntries } from "./commands/table.ts";
import { expectSame } from "./expectations.ts";
import { historyOf } from "./history-view.ts";
import { ANSWERED, method } from "./method.ts";
import type { Services } from "./services.ts";
import { started, submit } from "./submit.ts";

async function history(services: Services, params: ReturnType<typeof ChatHistoryParams.parse>, call: Call) {
  const key = canonicalKey(params.sessionKey, params.agentId);
  return historyOf(services, key, await services.sessions.open(key), params, call.client);
}

/** A page that opens names its session by key, or by the short id in its address. */
async function startup(services: Services, params: ReturnType<typeof ChatStartupParams.parse>, call: Call) {
  const { sessionKey, shortId, slugHint, ...rest } = params;
  if (sessionKey !== undefined) return history(services, { ...rest, sessionKey }, call);
  if (shortId === undefined) throw new GatewayError("bad_request", "chat.startup needs a sessionKey or a shortId");
  const resolution = resolveSession(services.sessions.all(), { shortId, slugHint });
  if (!resolution.ok) return { resolution };
  const { cursor: _, ...page } = rest;
  return { ...(await history(services, { ...page, sessionKey: resolution.key }, call)), resolution };
}

const isStop = (params: { message: string; suppressCommandInterpretation?: boolean | undefined }): boolean =>
  params.message.trim().toLowerCase() === "/stop" && params.suppressCommandInterpretation !== true;

/** Methods that send, stop and show a chat. */
export const chatMethods = [
  method("chat.startup", SCOPES.read, ChatStartupParams, startup),
  method("chat.history", SCOPES.read, ChatHistoryParams, history),

  method("chat.metadata", SCOPES.read, ChatMetadataParams, (services) => ({
    models: services.catalog.list(),
    commands: commandEntries,
  })),

  method("chat.send", SCOPES.write, ChatSendParams, async (services, params, call) => {
    const key = canonicalKey(params.sessionKey, params.agentId);
    const runId = params.idempotencyKey;
    if (isStop(params)) {
      const runIds = services.runs.abort(key);
      return { ok: true, aborted: runIds.length > 0, runIds, runId, status: "ok" };
    }
    const { expectedPermissionMode, expectedToolOverrides } = params;
    expectSame(services.sessions.get(key), { expectedPermissionMode, expectedToolOverrides });
    const isText = params.suppressCommandInterpretation === true;
    await submit(services, call, { ...params, key, runId, isText }, (record) => call.reply(started(record)));
    return ANSWERED;
  }),

  method("sessions.send", SCOPES.write, SessionsSendParams, async (services, params, call) => {
    const key = canonicalKey(params.key, params.agentId);
    const runId = params.idempotencyKey ?? services.newId();
    await submit(services, call, { ...params, key, runId }, (record) => call.reply(started(record)));
    return ANSWERED;
  }),

  method("chat.abort", SCOPES.write, ChatAbortParams, (services, params) => {
    const runIds = services.runs.abort(canonicalKey(params.sessionKey, params.agentId), params.runId);
    return { ok: true, aborted: runIds.length > 0, runIds };
  }),

  method("sessions.abort", SCOPES.write, SessionsAbortParams, (services, params) => {
    const { runId } = params;
    if (params.key === undefined && runId === undefined) throw new GatewayError("bad_request", "key or runId required");
    const key =
      params.key === undefined
        ? services.records.get(runId ?? "")?.sessionKey
        : canonicalKey(params.key, params.agentId);
    // Without `clearQueued` the queued messages keep their turn.
    const meant = params.clearQueued ? runId : (runId ?? services.runs.active(key ?? "")?.id ?? "");
    const abortedRunId = (key === undefined ? [] : services.runs.abort(key, meant)).at(-1) ?? null;
    return { ok: true, abortedRunId, status: abortedRunId === null ? "no-active-run" : "aborted" };
  }),

  method("chat.inject", SCOPES.admin, ChatInjectParams, async (services, params) => {
    const session = await services.sessions.openOrCreate(canonicalKey(params.sessionKey, params.agentId));
    const text = params.label === undefined ? params.message : `[${params.label}]\n\n${params.message}`;
    const message = services.runner.inject(session, text);
    return { ok: true, messageId: message.id };
  }),
];
