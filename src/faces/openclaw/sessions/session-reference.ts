import { GatewayError } from "../../../core/kernel/errors.ts";
import type { Session } from "./session.ts";
import { AGENT_ID, canonicalKey } from "./session-key.ts";

/** The ways in which clients name a session; exactly one is given. */
export interface SessionReference {
  readonly key?: string | undefined;
  readonly sessionId?: string | undefined;
  readonly label?: string | undefined;
  /** The first 8 to 32 digits of the UUID at the end of a key, as addresses of the Control UI carry it. */
  readonly shortId?: string | undefined;
  /** The name before the short id in such an address; it only chooses between several matches. */
  readonly slugHint?: string | undefined;
  /** A key, or the slug of a name where the key is not found. */
  readonly reference?: { readonly key: string; readonly slug?: string | undefined } | undefined;
  readonly agentId?: string | undefined;
  /** The session that started it: none here was started by another. */
  readonly spawnedBy?: string | undefined;
}

interface Found {
  readonly key: string;
  readonly agentId: string;
  readonly displayName?: string;
}

/** What a reference leads to: one session, or none; `candidates` are the first of several. */
export type Resolution =
  | ({ readonly ok: true } & Found)
  | { readonly ok: false; readonly candidates?: readonly Found[] };

const SHORT_ID = /^[0-9a-f]{8,32}$/i;
const UUID_AT_END = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_CANDIDATES = 10;
const MAX_SLUG_LENGTH = 48;
const KINDS = ["key", "sessionId", "label", "shortId", "reference"] as const;

/** Resolves a reference as the real gateway does. Throws `bad_request` unless it names a session in exactly one way. */
export function resolveSession(sessions: Iterable<Session>, reference: SessionReference): Resolution {
  const given = KINDS.filter((kind) => reference[kind] !== undefined);
  if (reference.slugHint !== undefined && reference.shortId === undefined) throw wrong("slugHint requires shortId");
  if (given.length !== 1) throw wrong("provide exactly one of key, sessionId, label, shortId or reference");
  const all = reference.spawnedBy === undefined ? [...sessions] : [];
  const { sessionId, label, shortId, slugHint, agentId } = reference;
  if (shortId !== undefined) return byShortId(all, shortId, slugHint);
  if (reference.reference) return byReference(all, reference.reference, agentId);
  const key = reference.key === undefined ? undefined : canonicalKey(reference.key, agentId);
  const session = all.find(
    (one) =>
      one.key === key ||
      (sessionId !== undefined && one.record.sessionId === sessionId) ||
      (label !== undefined && one.setting("label") === label),
  );
  return session ? { ok: true, key: session.key, agentId: AGENT_ID } : { ok: false };
}

function byShortId(sessions: readonly Session[], shortId: string, slugHint: string | undefined): Resolution {
  if (!SHORT_ID.test(shortId)) throw wrong("shortId must be 8-32 hexadecimal characters");
  const matches = sessions.filter(({ key }) => uuidOf(key)?.startsWith(shortId.toLowerCase()));
  const hinted = slugHint === undefined ? [] : matches.filter((session) => slugOf(nameOf(session)) === slugHint);
  return only(hinted.length > 0 ? hinted : matches);
}

function byReference(
  sessions: readonly Session[],
  { key: given, slug }: NonNullable<SessionReference["reference"]>,
  agentId: string | undefined,
): Resolution {
  const key = canonicalKey(given, agentId);
  const exact = sessions.filter((session) => session.key === key);
  if (exact.length > 0 || slug === undefined) return only(exact);
  return only(sessions.filter((session) => uuidOf(session.key) && slugOf(nameOf(session)) === slug));
}

function only(matches: readonly Session[]): Resolution {
  const [first, second] = matches;
  if (!first) return { ok: false };
  return second
    ? { ok: false, candidates: matches.slice(0, MAX_CANDIDATES).map((match) => found(match, nameOf(match))) }
    : { ok: true, ...found(first, first.text("displayName")) };
}

/**
 * The Control UI makes an address of `displayName`, and another of the same field of the session's row: when the two
 * differ, it goes from one to the other for ever. So a single match has what its row has.
 */
function found({ key }: Session, displayName: string | undefined): Found {
  return { key, agentId: AGENT_ID, ...(displayName !== undefined && { displayName }) };
}

const uuidOf = (key: string): string | undefined => UUID_AT_END.exec(key)?.[0].toLowerCase().replaceAll("-", "");

const nameOf = (session: Session): string | undefined =>
  session.text("label") ?? session.text("displayName") ?? session.text("derivedTitle");

/** A name as addresses carry it. Trailing words that could be part of a short id are left out. */
function slugOf(name = ""): string {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const last = words.findLastIndex((word) => /[g-z]/.test(word));
  return words
    .slice(0, last + 1)
    .join("-")
    .slice(0, MAX_SLUG_LENGTH)
    .replace(/-+$/, "");
}

const wrong = (message: string): GatewayError => new GatewayError("bad_request", message);
