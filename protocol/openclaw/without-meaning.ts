/**
 * Parameters that methods accept and do not look at, by the reason why they mean nothing here. A test holds that these are
 * all, and that docs/openclaw.md lists them.
 */
export const WITHOUT_MEANING: readonly (readonly [reason: string, names: string])[] = [
  [
    "there are no channels: answers go to the clients that are connected, and nowhere else",
    "deliver originatingChannel originatingTo originatingAccountId originatingThreadId replyToId to replyTo channel " +
      "replyChannel accountId replyAccountId threadId groupId groupChannel groupSpace bestEffortDeliver " +
      "sourceReplyDeliveryMode sendPolicy includeChannelSummary expectedSessionRoutingContract",
  ],
  [
    "there are no tools: nothing is called, so that nothing needs to be allowed or denied",
    "toolOverrides toolBindings disableMessageTool forceRestartSafeTools forceCodeModeTools inheritedToolAllow " +
      "inheritedToolDeny inheritedToolPolicyVersion execApprovalFollowupExpectedSessionId cleanupBundleMcpOnRunEnd cwd",
  ],
  [
    "there are no sub-agents, schedules, hooks or workers, and messages come from clients alone",
    "excludeSubagents excludeCron excludeSystem spawnDepth succeedsParent emitCommandHooks emitLifecycleHooks lane " +
      "acpTurnSource internalRuntimeHandoffId internalExecutionIdentityRetry internalExecutionIdentityRecoveryAttempt " +
      "internalEvents inputProvenance systemInputProvenance systemProvenanceReceipt suppressPromptPersistence " +
      "sessionEffects swarmCollector swarmOutputSchema voiceWakeTrigger completionOwnerSessionKey preserveSideRuns",
  ],
  [
    "the gateway has one agent, whose prompt is its own",
    "configuredAgentsOnly agentScope modelRun promptMode bootstrapContextMode bootstrapContextRunKind workContext intent",
  ],
  [
    "a session belongs to all callers, and there are no people to name",
    "ownerFirst involvingMe includePeople mentions",
  ],
  ["the bytes alone say what a file is", "sizeBytes durationMs width height origin"],
  ["there are no sessions beside those in the list", "includeGlobal includeUnknown"],
  [
    "answers always carry it, or never",
    "includeDerivedTitles includeLastMessage includeActivitySummary includeArgs includeContextWeight includeHistorical " +
      "groupBy pendingBefore maxChars maxLines",
  ],
  [
    "models and commands are the same for every session, and come from the configuration",
    "view includeDetails includeProviderCapabilities includeDefaultModels preparedOnly refresh authProfileId provider scope " +
      "sessionKey agentId",
  ],
  ["the offset from UTC, which clients send as well, says when days begin", "mode timeZone"],
  ["the provider alone decides how fast it answers", "fastMode fastAutoOnSeconds"],
  ["titles come from the first message", "titleSource autoLabel"],
  ["status notes are refused, so none ends", "ttlMinutes"],
  ["clients hear that a session was reset, whatever the reason", "reason"],
  ["the gateway's health is the same, asked in whichever way", "probe includeSensitive"],
  ["there is no setup assistant", "message wizardAnswer wizardCancel welcomeVariant reset context delegation"],
  ["a page that reconnects sends what it sent before", "__controlUiReconnectResume"],
];
