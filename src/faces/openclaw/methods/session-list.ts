import { modelFields } from "../sessions/model-catalog.ts";
import type { Session } from "../sessions/session.ts";
import { AGENT_ID } from "../sessions/session-key.ts";
import { rowOf, type Services } from "./services.ts";

/** The filters of `sessions.list`. */
export interface ListRequest {
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
  readonly activeMinutes?: number | undefined;
  readonly label?: string | undefined;
  readonly pinned?: boolean | undefined;
  readonly spawnedBy?: string | undefined;
  readonly agentId?: string | undefined;
  readonly search?: string | undefined;
  readonly archived?: boolean | "all" | undefined;
  readonly group?: string | undefined;
  readonly hasBoard?: boolean | undefined;
  readonly boardFace?: "chat" | "dashboard" | undefined;
  readonly activeOnly?: boolean | undefined;
  readonly requireLastInteraction?: boolean | undefined;
  readonly sortBy?: "updatedAt" | "lastInteractionAt" | "activity" | undefined;
  readonly projectId?: string | undefined;
  readonly workspaceDir?: string | undefined;
  readonly creatorId?: string | undefined;
  readonly ownerId?: string | undefined;
  readonly profileRelation?: unknown;
  readonly involvingProfileId?: string | undefined;
}

/** The default page size. */
const DEFAULT_LIMIT = 200;

/** Where sessions are stored. Clients show it, so it is no path of this machine. */
export const STORE_NAME = "(embedded)";

/** Filters by what no session here has: sub-sessions, projects, directories, and people of their own. */
const NEVER_MET = [
  ...(["spawnedBy", "projectId", "workspaceDir"] as const),
  ...(["creatorId", "ownerId", "profileRelation", "involvingProfileId"] as const),
];

const numberIn = (session: Session, name: string): number => Number(session.setting(name) ?? 0);

/** The time by which sessions are sorted, newest first. */
function timeOf(session: Session, sortBy: ListRequest["sortBy"] = "updatedAt"): number {
  const { updatedAt } = session.record;
  if (sortBy === "updatedAt") return updatedAt;
  const interaction = numberIn(session, "lastInteractionAt");
  return sortBy === "lastInteractionAt"
    ? interaction
    : Math.max(interaction, numberIn(session, "endedAt")) || updatedAt;
}

/** Whether a session passes the filters; `now`: the wall clock in milliseconds. */
function isWanted(session: Session, request: ListRequest, now: number): boolean {
  const { archived = false, search } = request;
  if (NEVER_MET.some((name) => request[name] !== undefined)) return false;
  if (request.requireLastInteraction === true && numberIn(session, "lastInteractionAt") === 0) return false;
  if (request.hasBoard === true || request.boardFace === "dashboard") return false; // there are no dashboards
  if (request.group !== undefined && (session.text("category") ?? "") !== request.group) return false;
  if (request.agentId !== undefined && request.agentId.toLowerCase() !== AGENT_ID) return false;
  if (archived !== "all" && (session.setting("archived") === true) !== archived) return false;
  if (request.pinned !== undefined && (session.setting("pinned") === true) !== request.pinned) return false;
  if (request.label !== undefined && session.setting("label") !== request.label) return false;
  if (request.activeMinutes !== undefined && now - session.record.updatedAt > request.activeMinutes * 60_000)
    return false;
  if (search === undefined || search.trim() === "") return true;
  const words = [session.key, session.text("label"), session.text("displayName"), session.text("derivedTitle")];
  return words.some((word) => word?.toLowerCase().includes(search.trim().toLowerCase()));
}

/** The sessions that match, newest first. */
export function matchingSessions(services: Services, request: ListRequest): Session[] {
  const now = services.clock.wall();
  return [...services.sessions.all()]
    .filter((session) => isWanted(session, request, now))
    .filter(({ key }) => request.activeOnly !== true || services.runs.active(key) !== undefined)
    .sort((a, b) => timeOf(b, request.sortBy) - timeOf(a, request.sortBy));
}

/** One page of the sessions that match. */
export function listSessions(services: Services, request: ListRequest) {
  const now = services.clock.wall();
  const { limit = DEFAULT_LIMIT, offset = 0 } = request;
  const wanted = matchingSessions(services, request);
  const sessions = wanted.slice(offset, offset + limit).map((session) => rowOf(services, session.key, session));
  const next = offset + sessions.length;
  return {
    ts: now,
    path: STORE_NAME,
    count: sessions.length,
    totalCount: wanted.length,
    limitApplied: limit,
    offset,
    nextOffset: next < wanted.length ? next : null,
    hasMore: next < wanted.length,
    owners: [],
    defaults: modelFields(services.catalog.default),
    sessions,
  };
}
