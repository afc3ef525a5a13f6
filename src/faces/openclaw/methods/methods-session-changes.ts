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
import { canonicalKey, MAIN_SESSION_KEY } from "../sessions/session-key.ts";
import { modelOf } from "../sessions/session-row.ts";
import type { Session, Settings } from "../sessions/session-store.ts";
import { copyInto } from "./branches/fork.ts";
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

/** Clients name the session id that they saw. Throws `bad_request` if the session was reset since. */
function expectId(session: Session | undefined, expected: string | undefined): void {
  if (expected !== undefined && session && session.record.sessionId !== expected) {
    throw new GatewayError("bad_request", "session changed", { details: { reason: "session-changed" } });
  }
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

/** Copies a conversation into a new session, without a question that is still being answered. */
function fork(services: Services, parent: Session, session: Session): void {
  const running = services.runs.active(parent.key)?.id;
  const isOver = ({ runId }: { readonly runId?: string }) => runId === undefined || runId !== running;
  copyInto(services, session, parent, parent.messages.filter(isOver));
}

const create = method("sessions.create", SCOPES.write, SessionsCreateParams, async (services, params, call) => {
  for (const name of ["incognito", "worktree"] as const) {
    if (params[name]) throw new GatewayError("unsupported", `${name} sessions are not available on this gateway`);
  }
  const runId = params.idempotencyKey ?? services.newId();
  const earlier = services.records.get(runId)?.sessionKey;
  const key = params.key
    ? canonicalKey(params.key, params.agentId)
    : (earlier ?? canonicalKey(`dashboard:${services.newId()}`, params.agentId));
  const settings = defined({
    label: params.label,
    displayName: params.displayName,
    thinkingLevel: params.thinkingLevel,
    model: chosen(services, params.model),
  });
  if (params.fork) await parentOf(services, params.parentSessionKey);
  const session = await services.sessions.openOrCreate(key);
  // Opened last: opening the other session may push it out of memory.
  const parent = params.fork ? await parentOf(services, params.parentSessionKey) : undefined;
  if (parent && session.branches.all.length === 0) fork(services, parent, session);
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

/** Changes a session's settings. Throws when it was reset since, or the model or the group is refused. */
export async function patchSession(services: Services, params: SessionPatch): Promise<Session> {
  const { key: given, agentId, expectedSessionId, model, permissionMode, ...settings } = params;
  if (permissionMode)
    throw new GatewayError("unsupported", "This gateway runs no tools, so there is nothing to permit.");
  const key = canonicalKey(given, agentId);
  if (settings.archived && key === MAIN_SESSION_KEY) {
    throw new GatewayError("bad_request", "Cannot archive an agent's main session.");
  }
  expectId(services.sessions.get(key), expectedSessionId);
  const selection = chosen(services, model);
  const session = await services.sessions.openOrCreate(key);
  if (settings.category) services.groups.register(settings.category);
  const changes = defined({ ...settings, model: selection });
  services.sessions.patch(session, changes);
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
  expectId(services.sessions.get(key), params.expectedSessionId);
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
  expectId(session, params.expectedSessionId);
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
