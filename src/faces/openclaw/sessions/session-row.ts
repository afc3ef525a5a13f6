import type { Model } from "../../../core/dialect/routing.ts";
import { type ModelCatalog, modelFields, thinkingFields } from "./model-catalog.ts";
import type { Session } from "./session.ts";
import { AGENT_ID, MAIN_SESSION_KEY } from "./session-key.ts";

/** Settings that a row shows under their own names; first those that clients may patch. */
const SHOWN = [
  "label",
  "displayName",
  "icon",
  "color",
  "category",
  "thinkingLevel",
  "verboseLevel",
  "reasoningLevel",
  "derivedTitle",
  "lastMessagePreview",
  "lastInteractionAt",
  "markedUnreadAt",
  "status",
  "lastRunId",
  "lastRunError",
  "startedAt",
  "endedAt",
  "runtimeMs",
  "inputTokens",
  "outputTokens",
  "totalTokens",
] as const;

/** The model chosen for a session while it exists, else the default. */
export function modelOf(session: Session | undefined, catalog: ModelCatalog): Model {
  const chosen = session?.text("model");
  return (chosen === undefined ? undefined : catalog.find(chosen)) ?? catalog.default;
}

/** What a row shows besides the session. */
export interface RowFacts {
  readonly catalog: ModelCatalog;
  /** Ids of the active run and of the waiting ones, in order. */
  readonly activeRunIds: readonly string[];
  readonly running: boolean;
  /** Wall clock in milliseconds. */
  readonly now: number;
}

/** A session as lists show it. Without a session, the row of one that has not begun. */
export function sessionRow(key: string, session: Session | undefined, facts: RowFacts) {
  const settings = session?.record.settings ?? {};
  const isMain = key === MAIN_SESSION_KEY;
  const status = facts.running ? "running" : facts.activeRunIds.length > 0 ? "queued" : settings.status;
  return {
    key,
    kind: "direct",
    classification: isMain ? "main" : "custom",
    chatType: "direct",
    agentId: AGENT_ID,
    isMain,
    isBackground: false,
    archived: settings.archived === true,
    pinned: settings.pinned === true,
    unread: settings.unread === true,
    ...Object.fromEntries(SHOWN.map((name) => [name, settings[name] ?? undefined])),
    // The Control UI shows thinking only while this is on; clients may turn it off for a session.
    reasoningLevel: settings.reasoningLevel ?? "on",
    ...(status !== undefined && { status }),
    ...(session && {
      sessionId: session.record.sessionId,
      createdAt: session.record.createdAt,
      totalTokensFresh: settings.totalTokens !== undefined,
    }),
    updatedAt: session?.record.updatedAt ?? null,
    snapshotAt: facts.now,
    hasActiveRun: facts.activeRunIds.length > 0,
    activeRunIds: facts.activeRunIds,
    ...modelFields(modelOf(session, facts.catalog)),
    modelOverrideSource: settings.model === undefined ? null : "user",
    ...thinkingFields,
  };
}

/** A session as the protocol lists it. */
export type SessionRow = ReturnType<typeof sessionRow>;
