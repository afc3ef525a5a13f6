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
  },
  "activeOnly requireLastInteraction sortBy includeGlobal includeUnknown excludeSubagents excludeCron excludeSystem " +
    "configuredAgentsOnly includeDerivedTitles includeLastMessage includeActivitySummary projectId workspaceDir group " +
    "boardFace hasBoard creatorId ownerId ownerFirst involvingMe profileRelation involvingProfileId includePeople",
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

export const SessionsPatchParams = closed(
  {
    key: text.max(512),
    agentId,
    expectedSessionId: text.optional(),
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
  },
  "expectedLifecycleRevision expectedPermissionMode expectedSandboxMode expectedNativeRuntimeConsent " +
    "expectedToolOverrides expectedMarkedUnreadAt autoLabel boardFace boardPresentation statusNote attention ttlMinutes " +
    "contextWindow fastMode toolOverrides traceLevel responseUsage elevatedLevel execHost execSecurity execAsk execNode " +
    "sandboxMode nativeRuntimeConsent agentRuntime completionOwnerSessionKey inheritedToolPolicyVersion " +
    "inheritedToolAllow inheritedToolDeny sendPolicy groupActivation",
);

export const SessionsResetParams = closed({ key: text, agentId, expectedSessionId: text.optional() }, "reason");

export const SessionsDeleteParams = closed(
  { key: text, agentId, expectedSessionId: text.optional() },
  "deleteTranscript expectedLifecycleRevision expectedSessionUpdatedAt emitLifecycleHooks archivedOnly",
);

export const SessionsCompactParams = closed({ key: text, agentId }, "maxLines");

export const SessionMessagesParams = closed({ key: text, agentId, includeApprovals: z.boolean().optional() });
