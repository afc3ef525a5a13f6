/** Parameters of the `sessions.*` methods. */
import * as z from "zod";
import { attachments } from "./chat-params.ts";
import { closed, count, idempotencyKey, list, refused, text } from "./closed.ts";

const agentId = text.optional();
const label = z.string().max(512);

/** What narrows a list of sessions. */
const filters = {
  activeMinutes: z.int().min(1).optional(),
  label: text.optional(),
  pinned: z.boolean().optional(),
  spawnedBy: text.optional(),
  agentId,
  search: z.string().optional(),
  archived: z.union([z.boolean(), z.literal("all")]).optional(),
  group: z.string().optional(),
  hasBoard: z.boolean().optional(),
  boardFace: z.enum(["chat", "dashboard"]).optional(),
  activeOnly: z.boolean().optional(),
  requireLastInteraction: z.boolean().optional(),
  sortBy: z.enum(["updatedAt", "lastInteractionAt", "activity"]).optional(),
  projectId: text.optional(),
  workspaceDir: text.optional(),
  creatorId: text.optional(),
  ownerId: text.optional(),
  profileRelation: z.looseObject({}).optional(),
  involvingProfileId: text.optional(),
};
const IGNORED_FILTERS =
  "includeGlobal includeUnknown excludeSubagents excludeCron excludeSystem configuredAgentsOnly involvingMe";

export const SessionsListParams = closed(
  { ...filters, limit: z.int().min(1).optional(), offset: count.optional() },
  `${IGNORED_FILTERS} includeDerivedTitles includeLastMessage includeActivitySummary ownerFirst includePeople`,
);

export const SessionsDescribeParams = closed({ key: text, agentId }, "includeDerivedTitles includeLastMessage");

export const SessionsResolveParams = closed(
  {
    key: text.optional(),
    sessionId: text.optional(),
    label: text.optional(),
    shortId: text.optional(),
    slugHint: z.string().optional(),
    reference: z.strictObject({ key: text, slug: z.string().optional() }).optional(),
    agentId,
    allowMissing: z.boolean().optional(),
    spawnedBy: text.optional(),
  },
  "includeGlobal includeUnknown",
);

export const SessionsPreviewParams = closed({
  keys: list(text, 1_000, 1),
  limit: z.int().min(1).optional(),
  maxChars: z.int().min(20).optional(),
});

export const SessionsSearchParams = closed({
  query: z.string().min(1).max(4_096),
  agentId,
  sessionKeys: list(text, 200, 1).optional(),
  scope: closed(filters, IGNORED_FILTERS).optional(),
  limit: z.int().min(1).max(25).optional(),
});

export const SessionsGetParams = closed({ key: text, agentId, limit: z.int().min(1).optional() });

const NO_DIRECTORY = refused("sessions here have no directories");
const NO_TOOLS = refused("this gateway runs no tools, so there is nothing to permit", "", "off");
const NO_BOARD = "this gateway has no dashboards";
const NO_STATUS_NOTE = refused("this gateway keeps no status notes of agents", "");

/** How a model is run is not chosen here. */
const refusedOfRuns = {
  agentRuntime: refused("this gateway has one way to run a model", ""),
  contextWindow: refused("the provider chooses the context window", ""),
  fastMode: refused("how fast a provider answers is not chosen here", false, "auto"),
  permissionMode: NO_TOOLS,
};

export const SessionsCreateParams = closed(
  {
    key: text.max(512).optional(),
    idempotencyKey: idempotencyKey.optional(),
    agentId,
    label: label.optional(),
    displayName: z.string().max(500).optional(),
    model: text.optional(),
    thinkingLevel: text.optional(),
    timeoutMs: count.optional(),
    task: z.string().optional(),
    message: z.string().optional(),
    attachments,
    parentSessionKey: text.optional(),
    fork: z.boolean().optional(),
    category: label.optional(),
    forkFrom: z.literal("last-completed").optional(),
    incognito: refused("incognito sessions are not available on this gateway", false),
    visibility: refused("every session here is visible to all clients", "shared"),
    ...refusedOfRuns,
    catalogId: refused("this gateway continues no sessions of other programs"),
    projectId: NO_DIRECTORY,
    projectGitUrl: NO_DIRECTORY,
    repository: NO_DIRECTORY,
    worktree: refused("worktree sessions are not available on this gateway", false),
    worktreeSource: NO_DIRECTORY,
    worktreeBaseRef: NO_DIRECTORY,
    worktreeName: NO_DIRECTORY,
    execNode: NO_TOOLS,
    cwd: NO_DIRECTORY,
  },
  "titleSource toolOverrides spawnDepth emitCommandHooks succeedsParent mentions",
);

const changes = {
  label: label.nullish(),
  icon: z.string().max(64).nullish(),
  color: z.string().max(64).nullish(),
  category: label.nullish(),
  archived: z.boolean().optional(),
  pinned: z.boolean().optional(),
  unread: z.boolean().optional(),
  thinkingLevel: z.string().max(64).nullish(),
  verboseLevel: z.string().max(64).nullish(),
  reasoningLevel: z.string().max(64).nullish(),
  model: z.string().nullish(),
  ...refusedOfRuns,
  boardFace: refused(NO_BOARD, "chat"),
  boardPresentation: refused(NO_BOARD),
  statusNote: NO_STATUS_NOTE,
  attention: NO_STATUS_NOTE,
  traceLevel: refused("this gateway has no plugins to trace", "", "off"),
  responseUsage: refused("there is no usage line under answers here", "off"),
  elevatedLevel: NO_TOOLS,
  execHost: NO_TOOLS,
  execSecurity: NO_TOOLS,
  execAsk: NO_TOOLS,
  execNode: NO_TOOLS,
  sandboxMode: NO_TOOLS,
  nativeRuntimeConsent: NO_TOOLS,
  groupActivation: refused("there are no group chats here"),
};
/** What a client last saw of a session. The first is the only one that sessions here have. */
const expectations = {
  expectedSessionId: text.optional(),
  expectedLifecycleRevision: text.optional(),
  expectedPermissionMode: text.nullish(),
  expectedSandboxMode: text.nullish(),
  expectedNativeRuntimeConsent: text.nullish(),
};
const target = { key: text.max(512), agentId, ...expectations };
const IGNORED_CHANGES =
  "autoLabel ttlMinutes toolOverrides completionOwnerSessionKey inheritedToolPolicyVersion inheritedToolAllow " +
  "inheritedToolDeny sendPolicy";

export const SessionsPatchParams = closed(
  {
    ...target,
    ...changes,
    expectedToolOverrides: z.looseObject({}).nullish(),
    expectedMarkedUnreadAt: z.number().nullish(),
  },
  IGNORED_CHANGES,
);

export const SessionsPatchManyParams = closed({
  // The real gateway's limit; its page sends one request for each hundred.
  targets: list(closed(target), 100, 1),
  patch: closed(changes, IGNORED_CHANGES),
});

export const SessionsResetParams = closed({ key: text, agentId, expectedSessionId: text.optional() }, "reason");

export const SessionsDeleteParams = closed(
  {
    key: text,
    agentId,
    expectedSessionId: text.optional(),
    expectedLifecycleRevision: text.optional(),
    expectedSessionUpdatedAt: z.number().optional(),
    archivedOnly: z.boolean().optional(),
    deleteTranscript: z
      .literal(true, { error: "a session is deleted with its transcript; archive it to keep both" })
      .optional(),
  },
  "emitLifecycleHooks",
);

export const SessionsCompactParams = closed({ key: text, agentId }, "maxLines");

export const SessionMessagesParams = closed({ key: text, agentId, includeApprovals: z.boolean().optional() });
