/** Parameters of the `sessions.*` methods. */
import * as z from "zod";
import { attachments } from "./chat-params.ts";
import { closed, count, idempotencyKey, list, text } from "./closed.ts";

const agentId = text.optional();
const label = z.string().max(512);

export const SessionsListParams = closed(
  {
    limit: z.int().min(1).optional(),
    offset: count.optional(),
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
  },
  // Rows always carry titles and previews; there are no sub-agents, schedules or special keys to leave out, one agent, and
  // no owners: every session belongs to all callers, so that it also involves each of them.
  "includeGlobal includeUnknown excludeSubagents excludeCron excludeSystem configuredAgentsOnly includeDerivedTitles " +
    "includeLastMessage includeActivitySummary ownerFirst involvingMe includePeople",
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
  },
  "spawnedBy includeGlobal includeUnknown",
);

export const SessionsPreviewParams = closed({
  keys: list(text, 1_000, 1),
  limit: z.int().min(1).optional(),
  maxChars: z.int().min(20).optional(),
});

export const SessionsSearchParams = closed(
  {
    query: z.string().min(1).max(4_096),
    sessionKeys: list(text, 200, 1).optional(),
    limit: z.int().min(1).max(25).optional(),
  },
  "agentId scope",
);

export const SessionsGetParams = closed({ key: text, agentId, limit: z.int().min(1).optional() });

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
    // Asked for, these change what a session is; accepting them silently would be a lie.
    incognito: z.boolean().optional(),
    worktree: z.boolean().optional(),
  },
  "titleSource category agentRuntime contextWindow fastMode permissionMode toolOverrides visibility catalogId " +
    "spawnDepth forkFrom emitCommandHooks succeedsParent mentions projectId projectGitUrl repository " +
    "worktreeSource worktreeBaseRef worktreeName execNode cwd",
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
  // Without tools there is nothing to permit; showing the choice as made would be a lie.
  permissionMode: z.string().max(64).nullish(),
};
const target = { key: text.max(512), agentId, expectedSessionId: text.optional() };
const IGNORED_EXPECTATIONS =
  "expectedLifecycleRevision expectedPermissionMode expectedSandboxMode expectedNativeRuntimeConsent ";
const IGNORED_CHANGES =
  "autoLabel boardFace boardPresentation statusNote attention ttlMinutes " +
  "contextWindow fastMode toolOverrides traceLevel responseUsage elevatedLevel execHost execSecurity execAsk execNode " +
  "sandboxMode nativeRuntimeConsent agentRuntime completionOwnerSessionKey inheritedToolPolicyVersion " +
  "inheritedToolAllow inheritedToolDeny sendPolicy groupActivation";

export const SessionsPatchParams = closed(
  { ...target, ...changes },
  `${IGNORED_EXPECTATIONS} expectedToolOverrides expectedMarkedUnreadAt ${IGNORED_CHANGES}`,
);

export const SessionsPatchManyParams = closed({
  // The real gateway's limit; its page sends one request for each hundred.
  targets: list(closed(target, IGNORED_EXPECTATIONS), 100, 1),
  patch: closed(changes, IGNORED_CHANGES),
});

export const SessionsResetParams = closed({ key: text, agentId, expectedSessionId: text.optional() }, "reason");

export const SessionsDeleteParams = closed(
  { key: text, agentId, expectedSessionId: text.optional() },
  "deleteTranscript expectedLifecycleRevision expectedSessionUpdatedAt emitLifecycleHooks archivedOnly",
);

export const SessionsCompactParams = closed({ key: text, agentId }, "maxLines");

export const SessionMessagesParams = closed({ key: text, agentId, includeApprovals: z.boolean().optional() });
