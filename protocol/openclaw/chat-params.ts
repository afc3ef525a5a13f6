/** Parameters of the methods that read and drive conversations. */
import * as z from "zod";
import { closed, count, IGNORED, idempotencyKey, list, text } from "./closed.ts";

const Attachment = z.object({
  type: z.string().optional(),
  mimeType: z.string().optional(),
  fileName: z.string().optional(),
  content: z.unknown().optional().describe("base64, or a data URL"),
  sizeBytes: IGNORED,
  durationMs: IGNORED,
  width: IGNORED,
  height: IGNORED,
  origin: IGNORED,
});

export type Attachment = z.infer<typeof Attachment>;

/** More than the bytes of a frame leave room for, if they are pictures. */
const MAX_ATTACHMENTS = 100;
export const attachments = list(Attachment, MAX_ATTACHMENTS).optional();
const runIds = list(z.string().max(256), 50, 1);

export const ChatSendParams = closed(
  {
    sessionKey: text.max(512),
    agentId: text.optional(),
    message: z.string(),
    idempotencyKey,
    thinking: z.string().optional(),
    attachments,
    timeoutMs: count.optional(),
    suppressCommandInterpretation: z.boolean().optional(),
    queueMode: z.enum(["steer", "followup", "collect", "interrupt"]).optional(),
    sessionId: text.optional(),
    expectedLeafEntryId: text.nullable().optional(),
    expectedPermissionMode: text.nullish(),
    expectedToolOverrides: z.looseObject({}).nullish(),
  },
  "mentions workContext intent fastMode fastAutoOnSeconds deliver originatingChannel originatingTo " +
    "originatingAccountId originatingThreadId replyToId toolBindings systemInputProvenance systemProvenanceReceipt " +
    "expectedSessionRoutingContract " +
    "__controlUiReconnectResume",
);

export const SessionsSendParams = closed(
  {
    key: text.max(512),
    agentId: text.optional(),
    message: z.string(),
    thinking: z.string().optional(),
    attachments,
    timeoutMs: count.optional(),
    idempotencyKey: idempotencyKey.optional(),
  },
  "mentions",
);

export const AgentParams = closed(
  {
    message: text,
    idempotencyKey,
    sessionKey: z.string().max(512).optional(),
    sessionId: z.string().optional(),
    agentId: text.optional(),
    provider: z.string().optional(),
    model: z.string().optional(),
    thinking: z.string().optional(),
    attachments,
    timeout: count.optional().describe("seconds"),
    extraSystemPrompt: z.string().optional(),
    label: text.max(512).optional(),
    expectedExistingSessionId: text.optional(),
  },
  "to replyTo deliver channel replyChannel accountId replyAccountId threadId groupId " +
    "groupChannel groupSpace bestEffortDeliver lane cwd cleanupBundleMcpOnRunEnd modelRun promptMode " +
    "bootstrapContextMode bootstrapContextRunKind acpTurnSource internalRuntimeHandoffId " +
    "internalExecutionIdentityRetry internalExecutionIdentityRecoveryAttempt execApprovalFollowupExpectedSessionId " +
    "internalEvents inputProvenance suppressPromptPersistence sessionEffects sourceReplyDeliveryMode " +
    "disableMessageTool swarmCollector swarmOutputSchema forceRestartSafeTools forceCodeModeTools voiceWakeTrigger",
);

export const AgentWaitParams = closed({ runId: text, timeoutMs: count.optional() });

export const ChatAbortParams = closed(
  { sessionKey: text, agentId: text.optional(), runId: text.optional() },
  "preserveSideRuns",
);

export const SessionsAbortParams = closed({
  key: text.optional(),
  runId: text.optional(),
  agentId: text.optional(),
  clearQueued: z.boolean().optional(),
});

export const ChatInjectParams = closed({
  sessionKey: text,
  agentId: text.optional(),
  message: text,
  label: z.string().max(100).optional(),
});

const history = {
  sessionKey: text,
  agentId: text.optional(),
  limit: z.int().min(1).max(1000).optional(),
  maxBytes: z.int().min(1024).optional(),
  offset: count.optional().describe("messages to leave out, counted from the newest"),
  inputRunIds: runIds.optional(),
  cursor: z.string().optional().describe("a `deltaCursor`: only what came after it is sent"),
  messageId: text.optional().describe("the page around this message"),
  sessionId: text.optional().describe("of the conversation that `messageId` belongs to"),
};
const IGNORED_OF_HISTORY = "pendingBefore maxChars";

export const ChatHistoryParams = closed(history, IGNORED_OF_HISTORY);

/** A history for a page that opens: it may know no more of the session than its address. */
export const ChatStartupParams = closed(
  { ...history, sessionKey: text.optional(), shortId: text.optional(), slugHint: z.string().optional() },
  IGNORED_OF_HISTORY,
);

export const ChatMetadataParams = closed({ agentId: text.optional(), sessionKey: text.optional() }, "authProfileId");
