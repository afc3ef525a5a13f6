/**
 * Methods of features that this gateway does not have. Clients call them at every connect, and some repeat a failed call
 * without end, so each returns what the feature returns when it is empty.
 */
import { SystemAgentChatParams } from "../../../../protocol/openclaw/assistant-params.ts";
import { AnyParams } from "../../../../protocol/openclaw/status-params.ts";
import { SCOPES, type Scope } from "../../../../protocol/openclaw/wire.ts";
import { AGENT_ID } from "../sessions/session-key.ts";
import { type Method, method } from "./method.ts";
import type { Services } from "./services.ts";

const empty = (name: string, scope: Scope, answer: (services: Services) => unknown): Method =>
  method(name, scope, AnyParams, answer);

const noTalk = {
  modes: [],
  transports: [],
  brains: [],
  speech: { providers: [] },
  transcription: { ready: false, providers: [] },
  realtime: { ready: false, providers: [] },
};

const noPage = { total: 0, offset: 0, limit: 50, hasMore: false, nextOffset: null };

const noChannels = {
  channelOrder: [],
  channelLabels: {},
  channelDetailLabels: {},
  channelSystemImages: {},
  channelMeta: [],
  channels: {},
  channelAccounts: {},
  channelDefaultAccountId: {},
};

/** Themes besides the ones built into the Control UI. */
const noThemes = {
  current: { id: "claw", mode: "system", scope: "gateway", overrides: {} },
  theme: { id: "claw", name: "Claw", source: "builtin", modes: ["light", "dark"] },
  themes: [],
};

const NO_ASSISTANT =
  "This gateway is Sluice: it passes your messages to models, and has one agent and no setup assistant. Models, keys and " +
  "limits are set in its configuration file, which its documentation explains. To chat, open Home.";

/** A user's own account at GitHub. */
const noAccount = {
  state: "unavailable",
  generation: null,
  account: null,
  accessExpiresAtMs: null,
  refreshState: "not_applicable",
  pending: null,
};

const noGitHub = {
  source: "system-detected",
  credentialKind: "native",
  credentialState: "unavailable",
  account: null,
  gitAuthor: { name: null, email: null },
  evidence: "none",
  accessExpiresAtMs: null,
  refreshState: "not_applicable",
  oauthScopes: [],
  repositoryGrants: "unknown",
};

const nothingToRun = {
  path: "(none)",
  exists: false,
  file: { version: 1, defaults: {}, agents: {} },
  hash: "none",
  resolvedDefaults: { security: "deny", ask: "off", askFallback: "deny", autoAllowSkills: false },
};

/** Methods whose honest answer is an empty list: there are no tools, channels or schedules here. */
export const emptyMethods: readonly Method[] = [
  // The results of these three are bare arrays.
  empty("exec.approval.list", SCOPES.approvals, () => []),
  empty("plugin.approval.list", SCOPES.approvals, () => []),
  empty("openclaw.approval.list", SCOPES.approvals, () => []),
  empty("approval.history", SCOPES.approvals, () => ({ items: [] })),
  empty("exec.approval.grants.list", SCOPES.approvals, () => ({ grants: [] })),
  empty("exec.approvals.get", SCOPES.admin, () => nothingToRun),
  // OpenClaw's setup assistant. Without these methods its page asks for an update of the gateway.
  method("openclaw.chat", SCOPES.admin, SystemAgentChatParams, (_services, { sessionId }) => ({
    sessionId,
    reply: NO_ASSISTANT,
    action: "none",
  })),
  empty("openclaw.chat.history", SCOPES.admin, () => ({ turns: [] })),
  empty("question.list", SCOPES.questions, () => ({ questions: [] })),
  empty("last-heartbeat", SCOPES.read, () => null),
  empty("update.status", SCOPES.admin, () => ({ sentinel: null, updateAvailable: null })),
  empty("sessions.observer.visibility", SCOPES.read, () => ({ ok: true })),
  empty("progressCard.get", SCOPES.read, () => ({ card: null })),
  empty("artifacts.list", SCOPES.read, () => ({ artifacts: [] })),
  empty("tasks.list", SCOPES.read, () => ({ tasks: [] })),
  empty("cron.list", SCOPES.read, () => ({ jobs: [], snapshotRevision: "none", ...noPage })),
  empty("cron.runs", SCOPES.read, () => ({ entries: [], ...noPage })),
  empty("cron.status", SCOPES.read, () => ({ enabled: false, jobs: 0 })),
  empty("talk.catalog", SCOPES.read, () => noTalk),
  empty("channels.status", SCOPES.read, (services) => ({ ts: services.clock.wall(), ...noChannels })),
  empty("channels.pairing.list", SCOPES.pairing, () => ({
    accounts: [],
    requests: [],
    commandOwnerConfigured: false,
    limits: { pendingPerAccount: 0, ttlMs: 0 },
  })),
  empty("node.list", SCOPES.read, (services) => ({ ts: services.clock.wall(), nodes: [] })),
  empty("plugins.list", SCOPES.read, () => ({ plugins: [], diagnostics: [], mutationAllowed: false })),
  empty("plugins.catalog.browse", SCOPES.read, () => ({ items: [] })),
  empty("skills.status", SCOPES.read, () => ({
    agentId: AGENT_ID,
    workspaceDir: "",
    managedSkillsDir: "",
    skills: [],
  })),
  empty("skills.search", SCOPES.read, () => ({ results: [] })),
  empty("skills.proposals.list", SCOPES.read, (services) => ({
    schema: "openclaw.skill-workshop.proposals-manifest.v1",
    updatedAt: new Date(services.startedAt).toISOString(),
    proposals: [],
    installedSkills: [],
  })),
  empty("skills.library.list", SCOPES.read, () => ({
    entries: [],
    profileId: "gateway-owner",
    multipleProfiles: false,
    defaultTarget: "workspace",
    canManageWorkspace: false,
    defaultSelectionLimit: 64,
  })),
  empty("tools.github.status", SCOPES.read, () => ({
    agentId: AGENT_ID,
    selectedScope: "system",
    selected: { scope: "system", configured: false, identity: null },
    effective: noGitHub,
  })),
  empty("users.github.status", SCOPES.read, () => ({ personal: noAccount, system: noGitHub })),
  empty("users.list", SCOPES.read, () => ({ profiles: [] })),
  empty("worktrees.list", SCOPES.read, () => ({ worktrees: [] })),
  empty("transcripts.list", SCOPES.read, () => ({ sessions: [] })),
  empty("themes.list", SCOPES.read, () => noThemes),
  empty("config.schema", SCOPES.read, (services) => ({
    schema: { type: "object", properties: {} },
    uiHints: {},
    version: services.version,
    generatedAt: new Date(services.startedAt).toISOString(),
  })),
  empty("doctor.memory.status", SCOPES.read, () => ({
    agentId: AGENT_ID,
    searchRuntimeRegistered: false,
    embedding: { ok: false, error: "this gateway keeps no memory besides transcripts" },
  })),
  empty("migrations.memory.plan", SCOPES.admin, () => ({ agentId: AGENT_ID, workspace: "(none)", providers: [] })),
  empty("webSearch.status", SCOPES.read, (services) => {
    const { route, alias } = services.catalog.default;
    return {
      enabled: false,
      provider: null,
      agentId: AGENT_ID,
      model: { provider: route.name, id: alias, runtime: "sluice" },
      route: { kind: "disabled", label: "none", testable: false },
      providers: [],
    };
  }),
];
