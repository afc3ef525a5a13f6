/** The search in transcripts. */
import { SessionsSearchParams } from "../../../../protocol/openclaw/session-params.ts";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { GatewayError } from "../../../core/kernel/errors.ts";
import type { Session } from "../sessions/session.ts";
import { canonicalKey } from "../sessions/session-key.ts";
import { plainText } from "../sessions/transcript-view.ts";
import { method } from "./method.ts";
import { rowOf, type Services } from "./services.ts";
import { matchingSessions } from "./session-list.ts";

const DEFAULT_HITS = 10;
/** Sessions searched by one request, newest first: each transcript is read for it. */
const MAX_SESSIONS = 200;
const BEFORE = 60;
const SNIPPET = 240;

function hitsIn(session: Session, words: string) {
  return session.messages.flatMap((message) => {
    const text = plainText(message);
    const at = text.toLowerCase().indexOf(words);
    if (at === -1) return [];
    const from = Math.max(0, at - BEFORE);
    const { id: messageId, role, timestamp } = message;
    const snippet = text.slice(from, from + SNIPPET).toWellFormed();
    return [
      { sessionKey: session.key, sessionId: session.record.sessionId, messageId, role, timestamp, snippet, score: 1 },
    ];
  });
}

const search = async (
  services: Services,
  { query, agentId, sessionKeys, scope, limit = DEFAULT_HITS }: ReturnType<typeof SessionsSearchParams.parse>,
) => {
  const words = query.trim().toLowerCase();
  const keys = sessionKeys && new Set(sessionKeys.map((key) => canonicalKey(key)));
  if (scope && (agentId !== undefined || sessionKeys)) {
    throw new GatewayError("bad_request", "scope cannot be combined with agentId or sessionKeys");
  }
  const wanted = matchingSessions(services, scope ?? { agentId, archived: "all" })
    .filter(({ key }) => !keys || keys.has(key))
    .slice(0, MAX_SESSIONS);
  const results: ReturnType<typeof hitsIn> = [];
  for (const { key } of words === "" ? [] : wanted) {
    const session = await services.sessions.open(key);
    if (session) results.push(...hitsIn(session, words));
  }
  const newest = results.sort((a, b) => b.timestamp - a.timestamp).slice(0, limit);
  const found = new Set(newest.map(({ sessionKey }) => sessionKey));
  return { results: newest, sessions: [...found].map((key) => rowOf(services, key, services.sessions.get(key))) };
};

/** Methods that search transcripts. */
export const searchMethods = [method("sessions.search", SCOPES.read, SessionsSearchParams, search)];
