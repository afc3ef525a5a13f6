/** The methods that read sessions and subscribe to them. */
import {
  SessionMessagesParams,
  SessionsDescribeParams,
  SessionsGetParams,
  SessionsListParams,
  SessionsPreviewParams,
  SessionsResolveParams,
} from "../../../../protocol/openclaw/session-params.ts";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { page } from "../sessions/history.ts";
import { AGENT_ID, canonicalKey } from "../sessions/session-key.ts";
import { plainText } from "../sessions/transcript-view.ts";
import { type Desk, rowOf } from "./desk.ts";
import { method } from "./method.ts";
import { listSessions } from "./session-list.ts";

const PREVIEW_ITEMS = 5;
const PREVIEW_CHARACTERS = 240;

async function preview(desk: Desk, key: string, limit: number, maxChars: number) {
  const session = await desk.sessions.open(canonicalKey(key));
  if (!session) return { key, status: "missing", items: [] };
  const items = session.messages
    .map((message) => ({ role: message.role, text: plainText(message).slice(0, maxChars) }))
    .filter(({ text }) => text !== "")
    .slice(-limit);
  return { key, status: items.length === 0 ? "empty" : "ok", items };
}

function resolve(desk: Desk, params: ReturnType<typeof SessionsResolveParams.parse>) {
  if (params.key !== undefined) return desk.sessions.get(canonicalKey(params.key, params.agentId));
  for (const session of desk.sessions.all()) {
    if (params.sessionId !== undefined && session.record.sessionId === params.sessionId) return session;
    if (params.label !== undefined && session.setting("label") === params.label) return session;
  }
  return undefined;
}

export const sessionMethods = [
  method("sessions.list", SCOPES.read, SessionsListParams, listSessions),

  method("sessions.subscribe", SCOPES.read, SessionsListParams, (desk, params, call) => {
    call.peer.followsSessions = true;
    return { subscribed: true, ...(Object.keys(params).length > 0 && { list: listSessions(desk, params) }) };
  }),

  method("sessions.messages.subscribe", SCOPES.read, SessionMessagesParams, (desk, params, call) => {
    const key = canonicalKey(params.key, params.agentId);
    call.peer.messagesOf.add(key);
    desk.runs.active(key)?.rebase(call.peer);
    const nothing = { sessionKey: key, updatedAtMs: desk.clock.wall(), approvals: [], truncated: false };
    return { subscribed: true, key, ...(params.includeApprovals === true && { approvalReplay: nothing }) };
  }),

  method("sessions.messages.unsubscribe", SCOPES.read, SessionMessagesParams, (desk, params, call) => {
    const key = canonicalKey(params.key, params.agentId);
    call.peer.messagesOf.delete(key);
    desk.runs.active(key)?.rebase(call.peer);
    return { subscribed: false, key };
  }),

  method("sessions.describe", SCOPES.read, SessionsDescribeParams, (desk, params) => {
    const key = canonicalKey(params.key, params.agentId);
    const session = desk.sessions.get(key);
    return { session: session ? rowOf(desk, key, session) : null };
  }),

  method("sessions.resolve", SCOPES.read, SessionsResolveParams, (desk, params) => {
    const session = resolve(desk, params);
    if (session) return { ok: true, key: session.key, agentId: AGENT_ID };
    if (params.allowMissing === true) return { ok: false };
    throw new GatewayError("unknown_session");
  }),

  method("sessions.preview", SCOPES.read, SessionsPreviewParams, async (desk, params) => {
    const { keys, limit = PREVIEW_ITEMS, maxChars = PREVIEW_CHARACTERS } = params;
    const previews = await Promise.all(keys.map((key) => preview(desk, key, limit, maxChars)));
    return { ts: desk.clock.wall(), previews };
  }),

  method("sessions.get", SCOPES.read, SessionsGetParams, async (desk, params) => {
    const session = await desk.sessions.open(canonicalKey(params.key, params.agentId));
    return { messages: page(session?.messages ?? [], { limit: params.limit }).messages };
  }),
];
