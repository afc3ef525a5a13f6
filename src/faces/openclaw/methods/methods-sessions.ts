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
import { canonicalKey } from "../sessions/session-key.ts";
import { resolveSession } from "../sessions/session-reference.ts";
import { plainText } from "../sessions/transcript-view.ts";
import { method } from "./method.ts";
import { rowOf, type Services } from "./services.ts";
import { listSessions } from "./session-list.ts";

const PREVIEW_ITEMS = 5;
const PREVIEW_CHARACTERS = 240;

async function preview(services: Services, key: string, limit: number, maxChars: number) {
  const session = await services.sessions.open(canonicalKey(key));
  if (!session) return { key, status: "missing", items: [] };
  const items = session.messages
    .map((message) => ({ role: message.role, text: plainText(message).slice(0, maxChars) }))
    .filter(({ text }) => text !== "")
    .slice(-limit);
  return { key, status: items.length === 0 ? "empty" : "ok", items };
}

/** Methods that list and find sessions. */
export const sessionMethods = [
  method("sessions.list", SCOPES.read, SessionsListParams, listSessions),

  method("sessions.subscribe", SCOPES.read, SessionsListParams, (services, params, call) => {
    call.client.followsSessions = true;
    return { subscribed: true, ...(Object.keys(params).length > 0 && { list: listSessions(services, params) }) };
  }),

  method("sessions.messages.subscribe", SCOPES.read, SessionMessagesParams, (services, params, call) => {
    const key = canonicalKey(params.key, params.agentId);
    call.client.messagesOf.add(key);
    services.runs.active(key)?.rebase(call.client);
    const nothing = { sessionKey: key, updatedAtMs: services.clock.wall(), approvals: [], truncated: false };
    return { subscribed: true, key, ...(params.includeApprovals === true && { approvalReplay: nothing }) };
  }),

  method("sessions.messages.unsubscribe", SCOPES.read, SessionMessagesParams, (services, params, call) => {
    const key = canonicalKey(params.key, params.agentId);
    call.client.messagesOf.delete(key);
    services.runs.active(key)?.rebase(call.client);
    return { subscribed: false, key };
  }),

  method("sessions.describe", SCOPES.read, SessionsDescribeParams, (services, params) => {
    const key = canonicalKey(params.key, params.agentId);
    const session = services.sessions.get(key);
    return { session: session ? rowOf(services, key, session) : null };
  }),

  method("sessions.resolve", SCOPES.read, SessionsResolveParams, (services, params) => {
    const resolution = resolveSession(services.sessions.all(), params);
    const isMissing = !resolution.ok && !resolution.candidates;
    if (isMissing && params.allowMissing !== true) throw new GatewayError("unknown_session");
    return resolution;
  }),

  method("sessions.preview", SCOPES.read, SessionsPreviewParams, async (services, params) => {
    const { keys, limit = PREVIEW_ITEMS, maxChars = PREVIEW_CHARACTERS } = params;
    const previews = await Promise.all(keys.map((key) => preview(services, key, limit, maxChars)));
    return { ts: services.clock.wall(), previews };
  }),

  method("sessions.get", SCOPES.read, SessionsGetParams, async (services, params) => {
    const session = await services.sessions.open(canonicalKey(params.key, params.agentId));
    return { messages: page(session?.messages ?? [], { limit: params.limit }).messages };
  }),
];
