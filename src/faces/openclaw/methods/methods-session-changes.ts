/** The methods that create, change and delete sessions. */
import type * as z from "zod";
import {
  SessionsCompactParams,
  SessionsCreateParams,
  SessionsDeleteParams,
  SessionsPatchParams,
  SessionsResetParams,
} from "../../../../protocol/openclaw/session-params.ts";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import { modelFields, selectionOf } from "../sessions/model-catalog.ts";
import type { Session, Settings } from "../sessions/session.ts";
import { canonicalKey, MAIN_SESSION_KEY } from "../sessions/session-key.ts";
import { modelOf } from "../sessions/session-row.ts";
import { copyInto } from "./branches/fork.ts";
import { expectSame } from "./expectations.ts";
import { ANSWERED, method } from "./method.ts";
import type { Services } from "./services.ts";
import { STORE_NAME } from "./session-list.ts";
import { renew } from "./session-reset.ts";
import { submit } from "./submit.ts";

/** The parameters of `sessions.patch`. */
export type SessionPatch = z.output<typeof SessionsPatchParams>;

/** The result of a method that changed a session. */
function changed(services: Services, session: Session) {
  const { sessionId, createdAt, updatedAt, settings } = session.record;
  const { modelProvider, model } = modelFields(modelOf(session, services.catalog));
  const entry = { ...settings, sessionId, createdAt, updatedAt };
  return { ok: true, key: session.key, entry, resolved: { modelProvider, model } };
}

const defined = (settings: Readonly<Record<string, string | number | boolean | null | undefined>>): Settings =>
  Object.fromEntries(Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));

/** The stored form of a model that a client chose; null clears the choice. */
const chosen = (services: Services, model: string | null | undefined): string | null | undefined =>
  typeof model === "string" ? selectionOf(services.catalog.get(model)) : model;

async function parentOf(services: Services, key: string | undefined): Promise<Session> {
  const parent = key === undefined ? undefined : await services.sessions.open(canonicalKey(key));
  if (!parent) throw new GatewayError("unknown_session");
  return parent;
}

/**
 * Copies a conversation into a new session, without a question that is still being answered; `completed`: up to the last
 * answer that is whole.
 */
function fork(services: Services, parent: Session, session: Session, completed: boolean): void {
  const running = services.runs.active(parent.key)?.id;
  const over = parent.messages.filter(({ runId }) => runId === undefined || runId !== running);
  const last = over.findLastIndex(({ role, failure }) => role === "assistant" && !failure);
  copyInto(services, session, parent, completed ? over.slice(0, last + 1) : over);
}

const create = method("sessions.create", SCOPES.write, SessionsCreateParams, async (services, params, call) => {
  if (params.forkFrom && !params.fork) throw new GatewayError("bad_request", "forkFrom requires fork=true");
  const runId = params.idempotencyKey ?? services.newId();
  const earlier = services.records.get(runId)?.sessionKey;
  const key = params.key
    ? canonicalKey(params.key, params.agentId)
    : (earlier ?? canonicalKey(`dashboard:${services.newId()}`, params.agentId));
  const category = params.category?.trim() || undefined;
  const settings = defined({
    label: params.label,
    category,
    displayName: params.displayName,
    thinkingLevel: params.thinkingLevel,
    model: chosen(services, params.model),
  });
  if (params.fork) await parentOf(services, params.parentSessionKey);
  const session = await services.sessions.openOrCreate(key);
  // Opened last: opening the other session may push it out of memory.
  const parent = params.fork ? await parentOf(services, params.parentSessionKey) : undefined;
  if (parent && session.branches.all.length === 0) fork(services, parent, session, params.forkFrom !== undefined);
  if (category) services.groups.register(category);
  services.sessions.update(session, settings);
  services.news.changed(key, "create");
  const result = () => ({ ...changed(services, session), sessionId: session.record.sessionId });
  const message = params.message ?? params.task ?? "";
  if (message === "" && !params.attachments?.length) return { ...result(), runStarted: false };
  const { attachments, timeoutMs } = params;
  const begun = () => call.reply({ ...result(), runStarted: true, runId });
  await submit(services, call, { key, runId, message, attachments, timeoutMs }, begun, begun);
  return ANSWERED;
});

/** What `sessions.patch` changes besides the model. */
const CHANGEABLE = [
  ...(["label", "icon", "color", "category", "archived", "pinned", "unread"] as const),
  ...(["thinkingLevel", "verboseLevel", "reasoningLevel"] as const),
];

/** Changes a session's settings. Throws when it was reset since, or the model or the group is refused. */
export async function patchSession(services: Services, params: SessionPatch): Promise<Session> {
  const { model, unread, expectedMarkedUnreadAt } = params;
  const key = canonicalKey(params.key, params.agentId);
  if (params.archived && key === MAIN_SESSION_KEY) {
    throw new GatewayError("bad_request", "Cannot archive an agent's main session.");
  }
  const settings = Object.fromEntries(CHANGEABLE.map((name) => [name, params[name]]));
  const known = services.sessions.get(key);
  expectSame(known, params);
  if (expectedMarkedUnreadAt !== undefined) {
    if (unread !== false || Object.values(defined({ ...settings, model })).length > 1) {
      throw new GatewayError("bad_request", "expectedMarkedUnreadAt requires unread=false as the only mutation.");
    }
    // Marked by hand since: the mark stays.
    if (known && (known.setting("markedUnreadAt") ?? null) !== expectedMarkedUnreadAt) return known;
  }
  const selection = chosen(services, model);
  const session = await services.sessions.openOrCreate(key);
  if (params.category) services.groups.register(params.category);
  const changes = defined({ ...settings, model: selection });
  const markedUnreadAt = unread === undefined ? undefined : unread ? Math.round(services.clock.wall()) : null;
  services.sessions.patch(session, defined({ ...changes, markedUnreadAt }));
  if (Object.keys(changes).every((name) => name === "unread")) services.news.read(key);
  else services.news.changed(key, "patch");
  return session;
}

const patch = method("sessions.patch", SCOPES.write, SessionsPatchParams, async (services, params) => ({
  ...changed(services, await patchSession(services, params)),
  path: STORE_NAME,
}));

const reset = method("sessions.reset", SCOPES.admin, SessionsResetParams, async (services, params) => {
  const key = canonicalKey(params.key, params.agentId);
  expectSame(services.sessions.get(key), params);
  const session = await services.sessions.openOrCreate(key);
  renew(services, session);
  const { ok, entry } = changed(services, session);
  return { ok, key, entry };
});

const remove = method("sessions.delete", SCOPES.admin, SessionsDeleteParams, (services, params) => {
  const key = canonicalKey(params.key, params.agentId);
  if (key === MAIN_SESSION_KEY) {
    throw new GatewayError("bad_request", `Cannot delete the main session (${MAIN_SESSION_KEY}).`);
  }
  const session = services.sessions.get(key);
  if (params.archivedOnly && session?.setting("archived") !== true) {
    throw new GatewayError("bad_request", `Session ${key} is not archived. Archive it first, then delete it.`);
  }
  if (session) expectSame(session, params);
  if (session) {
    services.runs.abort(key);
    services.sideChats.reset(key);
    services.sessions.delete(session);
    services.news.changed(key, "delete");
  }
  return { ok: true, key, deleted: session !== undefined, archived: [] };
});

const compact = method("sessions.compact", SCOPES.admin, SessionsCompactParams, (_services, params) => ({
  ok: true,
  key: canonicalKey(params.key, params.agentId),
  compacted: false,
  reason: "this gateway keeps whole transcripts and sends the newest messages",
}));

/** Methods that make, change and remove sessions. */
export const sessionChangeMethods = [create, patch, reset, remove, compact];
