/** The methods that go back to an earlier question: to ask it again or otherwise, here or in a session of its own. */
import {
  SessionsBranchesListParams,
  SessionsBranchesSwitchParams,
  SessionsEntryParams,
} from "../../../../../protocol/openclaw/branch-params.ts";
import { SCOPES } from "../../../../../protocol/openclaw/wire.ts";
import { GatewayError } from "../../../../core/kernel/errors.ts";
import type { TranscriptMessage } from "../../../../core/ports/transcripts.ts";
import type { BranchTip } from "../../sessions/branches.ts";
import type { Session } from "../../sessions/session.ts";
import { canonicalKey } from "../../sessions/session-key.ts";
import { oneLine, plainText } from "../../sessions/transcript-view.ts";
import { method } from "../method.ts";
import type { Services } from "../services.ts";
import { copyInto } from "./fork.ts";

/** In characters, as the real gateway's. */
const HEADLINE_LENGTH = 120;
const PREVIEW_LENGTH = 200;

/** Settings that describe the last run of the branch that was left. */
const OF_LAST_RUN = ["status", "lastRunId", "lastRunError", "inputTokens", "outputTokens", "totalTokens"];

interface Named {
  readonly sessionKey: string;
  readonly agentId?: string | undefined;
}

/** The session, if it may change now. Throws `unknown_session`, `session_busy`, and `bad_request` for an archived one. */
async function idleSession(services: Services, { sessionKey, agentId }: Named): Promise<Session> {
  const key = canonicalKey(sessionKey, agentId);
  const session = await services.sessions.open(key);
  if (!session) throw new GatewayError("unknown_session");
  if (services.runs.runIds(key).length > 0) {
    throw new GatewayError("session_busy", "an answer is running in this session: stop it, or wait for its end");
  }
  return session;
}

function refuseArchived(session: Session): void {
  if (session.setting("archived") === true) {
    throw new GatewayError("bad_request", "this session is archived: restore it first");
  }
}

/** The place of a question in the active branch. Throws `bad_request`. */
function indexOfQuestion(session: Session, entryId: string): number {
  const index = session.messages.findIndex(({ id }) => id === entryId);
  if (index >= 0 && session.messages[index]?.role === "user") return index;
  const isElsewhere = index < 0 && session.branches.all.some(({ id }) => id === entryId);
  const reason = index >= 0 ? "is no user's message" : isElsewhere ? "is on another branch" : "is not in this session";
  throw new GatewayError("bad_request", `message ${entryId} ${reason}`);
}

/** A question for the client's editor. */
function forEditor(question: TranscriptMessage | undefined) {
  if (!question) return {};
  const editorText = plainText(question);
  const editorAttachments = question.content.flatMap((part) => {
    if (part.type === "image" || part.type === "document") return [{ mimeType: part.mimeType, data: part.base64 }];
    if (part.type === "textFile") return [{ mimeType: part.mimeType, data: Buffer.from(part.text).toString("base64") }];
    return [];
  });
  return {
    ...(editorText !== "" && { editorText }),
    ...(editorAttachments.length > 0 && { editorAttachments }),
  };
}

function turnTo({ sessions, news }: Services, session: Session, leafId: string | null, reason: string): void {
  sessions.turnTo(session, leafId);
  const last = session.messages.at(-1);
  const preview = last ? oneLine(plainText(last), PREVIEW_LENGTH) : "";
  sessions.update(session, {
    ...Object.fromEntries(OF_LAST_RUN.map((name) => [name, null])),
    lastMessagePreview: preview === "" ? null : preview,
  });
  news.changed(session.key, reason);
}

function branchOf({ message, isActive, length, back }: BranchTip) {
  let headline = "";
  for (const one of back()) {
    headline = oneLine(plainText(one), HEADLINE_LENGTH);
    if (headline !== "") break;
  }
  const updatedAt = new Date(message.timestamp).toISOString();
  return { leafEntryId: message.id, headline, messageCount: length, updatedAt, active: isActive };
}

/** Methods that list and change the branches of a session. */
export const branchMethods = [
  method("sessions.branches.list", SCOPES.read, SessionsBranchesListParams, async ({ sessions }, params) => {
    const session = await sessions.open(canonicalKey(params.sessionKey, params.agentId));
    return { branches: session ? session.branches.tips().map(branchOf) : [] };
  }),

  method("sessions.branches.switch", SCOPES.admin, SessionsBranchesSwitchParams, async (services, params) => {
    const session = await idleSession(services, params);
    refuseArchived(session);
    const { leafEntryId } = params;
    const tip = session.branches.tips().find(({ message }) => message.id === leafEntryId);
    if (!tip) throw new GatewayError("bad_request", `message ${leafEntryId} ends no branch of this session`);
    if (tip.isActive) throw new GatewayError("bad_request", `the branch up to ${leafEntryId} is the active one`);
    turnTo(services, session, leafEntryId, "branch-switch");
    return {};
  }),

  method("sessions.rewind", SCOPES.admin, SessionsEntryParams, async (services, params) => {
    const session = await idleSession(services, params);
    refuseArchived(session);
    const index = indexOfQuestion(session, params.entryId);
    const question = session.messages[index];
    turnTo(services, session, session.messages[index - 1]?.id ?? null, "rewind");
    return forEditor(question);
  }),

  method("sessions.fork", SCOPES.write, SessionsEntryParams, async (services, params) => {
    const parent = await idleSession(services, params);
    const index = indexOfQuestion(parent, params.entryId);
    const { sessions, newId, news } = services;
    const session = sessions.create(canonicalKey(`dashboard:${newId()}`));
    copyInto(services, session, parent, parent.messages.slice(0, index));
    news.changed(session.key, "fork");
    return { sessionKey: session.key, ...forEditor(parent.messages[index]) };
  }),
];
