/**
 * Checks every frame a client gets against OpenClaw's own schemas: those of `@openclaw/gateway-protocol`, and those of the
 * pinned release where the outer corpus is here. What the package has no schema for is held to a shape written down here.
 */
import { ProtocolSchemas } from "@openclaw/gateway-protocol/schema";
import { Ajv, type ValidateFunction } from "ajv";
import { OPENCLAW_RELEASE } from "../../../protocol/openclaw/wire.ts";
import { isObject } from "../../../src/core/kernel/json.ts";
import { readOuter } from "../recordings/outer-corpus.ts";

const pinned = readOuter<Record<string, object>>(`facts/openclaw/schemas-${OPENCLAW_RELEASE}.json`);
const published: Record<string, object> = { ...ProtocolSchemas };

const text = { type: "string", minLength: 1 };
const number = { type: "number" };
const size = { type: "number", minimum: 0 };
const bytes = { type: "integer", minimum: 0 };
const boolean = { type: "boolean" };
const object = { type: "object" };
const list = { type: "array" };
const shape = (properties: Record<string, object>, required = Object.keys(properties)) => ({
  type: "object",
  required,
  properties,
});

const closed = (properties: Record<string, object>) => ({ ...shape(properties), additionalProperties: false });

const message = shape({ role: { enum: ["user", "assistant"] }, content: {}, timestamp: number, __openclaw: object });
const sent = {
  ...shape({ runId: text, status: { enum: ["started", "in_flight", "ok", "timeout", "error"] } }),
};
const history = shape({
  sessionKey: { type: "string", pattern: "^agent:main:." },
  messages: { type: "array", items: message },
  hasMore: boolean,
  totalMessages: number,
  pendingInputs: shape({ items: list, total: number }),
  defaults: shape({ modelProvider: text, model: text }),
  sessionInfo: object,
});
const delta = shape({
  kind: { const: "delta" },
  messages: { type: "array", items: shape({ sessionKey: text, message, messageId: text, messageSeq: number }) },
  deltaCursor: text,
  pendingInputs: shape({ items: list, total: number }),
  sessionInfo: object,
});
const usageTotals = shape({
  input: number,
  output: number,
  cacheRead: number,
  cacheWrite: number,
  totalTokens: number,
  totalCost: number,
  inputCost: number,
  outputCost: number,
  cacheReadCost: number,
  cacheWriteCost: number,
  missingCostEntries: number,
});
const approvals = { type: "array", maxItems: 0 };

/** Schemas of what the published package has none for, be it that OpenClaw has none or that it is newer than the package. */
const own: Record<string, object> = {
  ChatSendAck: sent,
  ChatHistory: { ...history, not: { required: ["activeLeafEntryId"] } },
  ChatHistoryDeltaResult: delta,
  ChatHistoryResetResult: closed({ kind: { const: "reset" } }),
  AbortResult: shape({ ok: { const: true }, aborted: boolean, runIds: { type: "array", items: text } }),
  SessionsAbortResult: shape({ ok: { const: true }, abortedRunId: {}, status: { enum: ["aborted", "no-active-run"] } }),
  SessionsListResult: shape({
    ts: number,
    path: text,
    count: number,
    totalCount: number,
    sessions: list,
    nextOffset: {},
  }),
  SessionsPreviewResult: shape({ ts: number, previews: list }),
  Messages: shape({ messages: { type: "array", items: message } }),
  PatchResult: shape({ ok: { const: true }, path: text, key: text, entry: object, resolved: object }),
  ResetResult: shape({ ok: { const: true }, key: text, entry: object }),
  CompactResult: shape({ ok: { const: true }, key: text, compacted: { const: false }, reason: text }),
  InjectResult: shape({ ok: { const: true }, messageId: text }),
  Subscribed: shape({ subscribed: boolean }),
  SubscribedKey: shape({ subscribed: boolean, key: text }),
  Metadata: shape({ models: list, commands: list }),
  AuthStatus: shape({ ts: number, providers: list }),
  ConfigSnapshot: shape({
    exists: boolean,
    raw: text,
    parsed: object,
    config: object,
    valid: boolean,
    hash: text,
    issues: list,
  }),
  Status: shape({ runtimeVersion: text, heartbeat: object, channelSummary: list, sessions: object }),
  GatewayIdentity: shape({ deviceId: { type: "string", pattern: "^[0-9a-f]{64}$" }, publicKey: text }),
  UsageStatus: shape({ updatedAt: number, providers: list }),
  UsageCost: shape({
    updatedAt: number,
    days: number,
    daily: { type: "array", items: usageTotals },
    totals: usageTotals,
  }),
  SessionsUsage: shape({
    updatedAt: number,
    startDate: text,
    endDate: text,
    sessions: { type: "array", items: shape({ key: text, sessionId: text, agentId: text, usage: usageTotals }) },
    totals: usageTotals,
    aggregates: shape({
      sessionCount: number,
      messages: object,
      tools: object,
      byModel: { type: "array", items: shape({ provider: text, model: text, count: number, totals: usageTotals }) },
      byProvider: { type: "array", items: shape({ provider: text, count: number, totals: usageTotals }) },
      byAgent: list,
      byChannel: list,
      byCreator: list,
      costDaily: { type: "array", items: usageTotals },
      dailyLatency: list,
      modelDaily: list,
      daily: list,
    }),
  }),
  UsageSeries: shape({
    points: { type: "array", items: shape({ timestamp: number, totalTokens: number, cost: number }) },
  }),
  UsageLogs: shape({ logs: { type: "array", items: shape({ timestamp: number, role: text, content: {} }) } }),
  AgentResult: shape({ runId: text, status: { enum: ["accepted", "in_flight", "ok", "timeout", "error"] } }),
  AgentWaitResult: shape({ runId: text, status: { enum: ["ok", "error", "timeout"] } }),
  Approvals: approvals,
  Nothing: { type: "null" },
  CronList: shape({ jobs: list, snapshotRevision: text, total: number, hasMore: boolean }),
  CronRuns: shape({ entries: list, total: number, hasMore: boolean }),
  Lanes: shape({ ts: number, lanes: list, dynamic: {} }),
  ExecApprovals: shape({ path: text, exists: boolean, file: object, hash: text, resolvedDefaults: object }),
  Artifacts: shape({ artifacts: list }),
  SessionsSearch: shape({ results: list, sessions: list }),
  MeetingTranscripts: shape({ sessions: list }),
  Grants: shape({ grants: list }),
  NodeList: shape({ ts: number, nodes: list }),
  DevicePairList: shape({
    pending: { type: "array", maxItems: 0 },
    paired: {
      type: "array",
      items: shape({
        ...{ deviceId: text, publicKey: text, clientId: text, role: text, scopes: list, connected: boolean },
        ...{ createdAtMs: number, approvedAtMs: number },
        tokens: { type: "array", items: shape({ role: text, scopes: list, createdAtMs: number }) },
      }),
    },
  }),
  DeviceRemoved: closed({ deviceId: text }),
  DeviceRenamed: closed({ deviceId: text, label: text }),
  DeviceTokenRevoked: closed({ deviceId: text, role: text, revokedAtMs: number }),
  NoSkillProposals: closed({
    schema: { const: "openclaw.skill-workshop.proposals-manifest.v1" },
    updatedAt: text,
    proposals: { type: "array", maxItems: 0 },
    installedSkills: { type: "array", maxItems: 0 },
  }),
  SkillsStatus: shape({ workspaceDir: {}, managedSkillsDir: {}, agentId: text, skills: list }),
  SkillsLibrary: shape({ entries: list, profileId: text, multipleProfiles: boolean, defaultSelectionLimit: number }),
  ThemesList: shape({ current: object, theme: object, themes: list }),
  MemoryStatus: shape({ agentId: text, embedding: shape({ ok: boolean }) }),
  CronStatus: shape({ enabled: boolean, jobs: number }),
  SessionMessageEvent: shape({ sessionKey: text, agentId: text, message, messageId: text, messageSeq: number }),
  SessionGroupsChangedEvent: closed({ reason: { const: "groups" }, ts: number }),
  UsersPrefsGetResult: closed({ status: { const: "ok" }, entries: object }),
  UsersPrefsSetResult: closed({ status: { enum: ["ok", "conflict"] } }),
  UsersPrefsChangedEvent: closed({ profileId: text, keys: { type: "array", items: text } }),
  // Told without a reason: a run's end to who follows its session, and what only marks a session as read.
  SessionsChangedEvent: shape({ sessionKey: text, agentId: text, reason: text, phase: { const: "end" }, ts: number }, [
    "sessionKey",
    "agentId",
    "ts",
  ]),
  ConnectChallenge: shape({ nonce: text, ts: { type: "integer" } }),
  Described: shape({ session: { type: ["object", "null"] } }),
  UsersListResult: closed({ profiles: list }),
  UsersSelfResult: closed({
    profile: closed({
      ...{ id: text, displayName: { type: "null" }, avatarMime: { type: "null" }, mergedInto: { type: "null" } },
      ...{ createdAt: bytes, updatedAt: bytes, emails: list, githubIdentity: { type: "null" }, hasAvatar: boolean },
    }),
  }),
  UsersListModelAccountsResult: closed({ profileId: text, accounts: list, links: list }),
  UsersGitHubStatusResult: closed({
    personal: closed({
      ...{ state: { const: "unavailable" }, generation: { type: "null" }, account: { type: "null" } },
      ...{ accessExpiresAtMs: { type: "null" }, refreshState: { const: "not_applicable" }, pending: { type: "null" } },
    }),
    system: object,
  }),
  SystemVitals: closed({
    eventLoop: closed({
      degraded: boolean,
      reasons: { type: "array", items: { enum: ["event_loop_delay", "event_loop_utilization", "cpu"] } },
      ...{ intervalMs: size, delayP99Ms: size, delayMaxMs: size, utilization: size, cpuCoreRatio: size },
    }),
    processMemory: closed({
      ...{ rssBytes: bytes, heapUsedBytes: bytes, heapTotalBytes: bytes },
      ...{ externalBytes: bytes, arrayBuffersBytes: bytes },
    }),
    disks: {
      type: "array",
      items: closed({ path: text, totalBytes: { type: "integer", minimum: 1 }, availableBytes: bytes }),
    },
  }),
  PluginsCatalogBrowseResult: closed({ items: list }),
  WebSearchStatusResult: closed({
    enabled: boolean,
    provider: { type: ["string", "null"] },
    agentId: text,
    model: closed({ provider: text, id: text, runtime: text }),
    route: closed({
      kind: { enum: ["native", "external", "managed", "disabled", "unavailable"] },
      label: text,
      testable: boolean,
    }),
    providers: list,
  }),
};

const known: Record<string, object> = { ...published, ...own };

/** Names of what is held to the pinned release's schema as well; undefined where the outer corpus is not here. */
export const heldToPinned = pinned && Object.keys(known).filter((name) => `${name}Schema` in pinned);

const ajv = new Ajv({ strict: false, allErrors: false, formats: { uuid: true } });
const compiled = new Map<string, readonly ValidateFunction[]>();

function validators(name: string): readonly ValidateFunction[] {
  let found = compiled.get(name);
  if (!found) {
    inEveryClone(name);
    const schemas = [own[name], published[name], pinned?.[`${name}Schema`]].filter((schema) => schema !== undefined);
    found = schemas.map((schema) => ajv.compile(schema));
    compiled.set(name, found);
  }
  return found;
}

/** Throws when the value does not fit every schema of that name. */
export function fits(name: string, value: unknown, where = name): void {
  for (const validate of validators(name)) {
    if (!validate(value)) throw new Error(`${where} is not a ${name}: ${ajv.errorsText(validate.errors)}`);
  }
}

type Check = (payload: unknown, where: string) => void;

/** The name, if every clone has its schema: what only the outer corpus has would fail in some and not in others. */
function inEveryClone(name: string): string {
  if (!(name in known)) throw new Error(`no schema named ${name}`);
  return name;
}

function is(name: string): Check {
  inEveryClone(name);
  return (payload, where) => fits(name, payload, where);
}

/** The payload fits a schema, and so does each item of one of its lists. */
function with_(name: string, field: string, item: string): Check {
  inEveryClone(name);
  inEveryClone(item);
  return (payload, where) => {
    fits(name, payload, where);
    const items = isObject(payload) ? payload[field] : undefined;
    for (const entry of Array.isArray(items) ? items : [items]) {
      if (entry !== undefined && entry !== null) fits(item, entry, `${where}.${field}`);
    }
  };
}

const historyCheck: Check = (payload, where) => {
  const kind = isObject(payload) ? payload.kind : undefined;
  if (kind === "reset") return fits("ChatHistoryResetResult", payload, where);
  if (kind === "delta") return with_("ChatHistoryDeltaResult", "sessionInfo", "SessionRow")(payload, where);
  with_("ChatHistory", "sessionInfo", "SessionRow")(payload, where);
};

/** A short id may lead to no session, or to several; then there is no history. */
const startupCheck: Check = (payload, where) => {
  const resolution = isObject(payload) && isObject(payload.resolution) ? payload.resolution : { ok: true };
  if (resolution.ok === true) historyCheck(payload, where);
  else if (Object.keys(Object(payload)).length > 1) throw new Error(`${where} has more than a failed resolution`);
};

/** The result of every method the gateway has. */
export const RESULTS: Readonly<Record<string, Check>> = {
  connect: is("HelloOk"),
  "chat.startup": startupCheck,
  "chat.history": historyCheck,
  "chat.metadata": with_("Metadata", "models", "ModelChoice"),
  "chat.send": is("ChatSendAck"),
  "sessions.send": is("ChatSendAck"),
  "chat.abort": is("AbortResult"),
  "sessions.abort": is("SessionsAbortResult"),
  "chat.inject": is("InjectResult"),
  agent: is("AgentResult"),
  "agent.wait": is("AgentWaitResult"),
  "sessions.list": with_("SessionsListResult", "sessions", "SessionRow"),
  "sessions.subscribe": is("Subscribed"),
  "sessions.messages.subscribe": is("SubscribedKey"),
  "sessions.messages.unsubscribe": is("SubscribedKey"),
  "sessions.describe": with_("Described", "session", "SessionRow"),
  "sessions.resolve": is("SessionsResolveResult"),
  "sessions.preview": is("SessionsPreviewResult"),
  "sessions.get": is("Messages"),
  "sessions.create": is("SessionsCreateResult"),
  "sessions.patch": is("PatchResult"),
  "sessions.reset": is("ResetResult"),
  "sessions.delete": is("SessionsDeleteResult"),
  "sessions.compact": is("CompactResult"),
  "models.list": is("ModelsListResult"),
  "models.authStatus": is("AuthStatus"),
  "commands.list": is("CommandsListResult"),
  "agents.list": is("AgentsListResult"),
  "agent.identity.get": is("AgentIdentityResult"),
  "config.get": is("ConfigSnapshot"),
  status: is("Status"),
  health: (payload, where) =>
    fits("Snapshot", { presence: [], health: payload, stateVersion: { presence: 0, health: 0 }, uptimeMs: 0 }, where),
  "system-presence": (payload, where) => {
    if (!Array.isArray(payload)) throw new Error(`${where} is not a bare array`);
    for (const entry of payload) fits("PresenceEntry", entry, where);
  },
  "gateway.identity.get": is("GatewayIdentity"),
  "exec.approval.list": is("Approvals"),
  "plugin.approval.list": is("Approvals"),
  "openclaw.approval.list": is("Approvals"),
  "question.list": is("QuestionListResult"),
  "last-heartbeat": is("Nothing"),
  "update.status": is("UpdateStatusResult"),
  "usage.status": is("UsageStatus"),
  "usage.cost": is("UsageCost"),
  "sessions.usage": is("SessionsUsage"),
  "sessions.usage.timeseries": is("UsageSeries"),
  "sessions.usage.logs": is("UsageLogs"),
  "sessions.observer.visibility": is("SessionsObserverVisibilityResult"),
  "sessions.branches.list": is("SessionsBranchesListResult"),
  "sessions.branches.switch": is("SessionsBranchesSwitchResult"),
  "sessions.rewind": is("SessionsRewindResult"),
  "sessions.fork": is("SessionsForkResult"),
  "sessions.companion.state": is("SessionsCompanionStateResult"),
  "sessions.companion.ask": is("SessionsCompanionAskResult"),
  "sessions.companion.reset": is("SessionsCompanionResetResult"),
  "sessions.groups.list": is("SessionsGroupsListResult"),
  "sessions.groups.defaults": is("SessionsGroupsDefaultsResult"),
  "sessions.groups.put": is("SessionsGroupsMutationResult"),
  "sessions.groups.rename": is("SessionsGroupsMutationResult"),
  "sessions.groups.delete": is("SessionsGroupsMutationResult"),
  "sessions.patchMany": is("SessionsPatchManyResult"),
  "users.self": is("UsersSelfResult"),
  "users.listModelAccounts": is("UsersListModelAccountsResult"),
  "users.github.status": is("UsersGitHubStatusResult"),
  "users.prefs.get": is("UsersPrefsGetResult"),
  "users.prefs.set": is("UsersPrefsSetResult"),
  "models.probe": is("ModelsProbeResult"),
  "progressCard.get": is("ProgressCardGetResult"),
  "tasks.list": is("TasksListResult"),
  "cron.list": is("CronList"),
  "cron.status": is("CronStatus"),
  "talk.catalog": is("TalkCatalogResult"),
  "logs.tail": is("LogsTailResult"),
  // The pinned release's page shows these as well; the older schema is closed.
  "system.info": (payload, where) => {
    const { eventLoop, processMemory, disks = [], ...older } = payload as Record<string, unknown>;
    fits("SystemInfoResult", older, where);
    if (eventLoop !== undefined) fits("SystemVitals", { eventLoop, processMemory, disks }, where);
  },
  "diagnostics.lanes": is("Lanes"),
  "environments.list": is("EnvironmentsListResult"),
  "approval.history": is("ApprovalHistoryResult"),
  "exec.approvals.get": is("ExecApprovals"),
  "artifacts.list": is("Artifacts"),
  "users.list": is("UsersListResult"),
  // The pinned release answers with the sessions too, and its page needs them; the older schema is closed.
  "sessions.search": (payload, where) => {
    fits("SessionsSearch", payload, where);
    const { sessions: _, ...older } = payload as Record<string, unknown>;
    fits("SessionsSearchResult", older, where);
    const rows = isObject(payload) && Array.isArray(payload.sessions) ? payload.sessions : [];
    for (const row of rows) fits("SessionRow", row, where);
  },
  "transcripts.list": is("MeetingTranscripts"),
  "tools.github.status": is("ToolsGitHubStatusResult"),
  "exec.approval.grants.list": is("Grants"),
  "cron.runs": is("CronRuns"),
  "channels.status": is("ChannelsStatusResult"),
  "channels.pairing.list": is("ChannelsPairingListResult"),
  "node.list": is("NodeList"),
  "device.pair.list": is("DevicePairList"),
  "device.pair.remove": is("DeviceRemoved"),
  "device.pair.rename": is("DeviceRenamed"),
  "device.token.revoke": is("DeviceTokenRevoked"),
  "device.token.rotate": is("DeviceTokenRotateResult"),
  "plugins.list": is("PluginsListResult"),
  "plugins.catalog.browse": is("PluginsCatalogBrowseResult"),
  "skills.status": is("SkillsStatus"),
  "skills.search": is("SkillsSearchResult"),
  // The pinned release's page needs the installed skills as well; the older schema is closed.
  "skills.proposals.list": is("NoSkillProposals"),
  "openclaw.chat": is("SystemAgentChatResult"),
  "openclaw.chat.history": is("SystemAgentChatHistoryResult"),
  "skills.library.list": is("SkillsLibrary"),
  "worktrees.list": is("WorktreesListResult"),
  "themes.list": is("ThemesList"),
  "config.schema": is("ConfigSchemaResponse"),
  "doctor.memory.status": is("MemoryStatus"),
  "migrations.memory.plan": is("MigrationsMemoryPlanResult"),
  "webSearch.status": is("WebSearchStatusResult"),
};

/** The payload of every event the gateway sends. */
export const EVENTS: Readonly<Record<string, Check>> = {
  "connect.challenge": is("ConnectChallenge"),
  chat: is("ChatEvent"),
  // The published schema is that of the engine; the gateway's broadcast adds whose run it is.
  agent: (payload, where) => {
    if (!isObject(payload)) throw new Error(`${where} is no object`);
    const { sessionKey, agentId, ...event } = payload;
    fits("AgentEvent", event, where);
    if (typeof sessionKey !== "string" || agentId !== "main") throw new Error(`${where} does not say whose run it is`);
  },
  "session.message": is("SessionMessageEvent"),
  "sessions.changed": (payload, where) => {
    const isAboutGroups = isObject(payload) && payload.reason === "groups";
    if (isAboutGroups) fits("SessionGroupsChangedEvent", payload, where);
    else with_("SessionsChangedEvent", "session", "SessionRow")(payload, where);
  },
  "users.prefs.changed": is("UsersPrefsChangedEvent"),
  "device.pair.changed": is("DevicePairListParams"),
  tick: is("TickEvent"),
  shutdown: is("ShutdownEvent"),
};

/** Checks the frames of one connection in their order: form, delta, and the outer `seq` without a gap. */
export class FrameCheck {
  readonly #methods = new Map<string, string>();
  readonly #answered = new Map<string, number>();
  #seq = 0;

  request(id: string, method: string): void {
    this.#methods.set(id, method);
  }

  /** A frame as it was received. Throws with the name of the method or event it is wrong for. */
  received(frame: unknown): void {
    if (!isObject(frame)) throw new Error("a frame is not an object");
    if (frame.type === "event") this.#event(frame);
    else if (frame.type === "res") this.#response(frame);
    else throw new Error(`unknown frame type ${String(frame.type)}`);
  }

  #event(frame: Record<string, unknown>): void {
    fits("EventFrame", frame);
    const name = String(frame.event);
    const check = EVENTS[name];
    if (!check) throw new Error(`event ${name} is not known to the test`);
    check(frame.payload, `event ${name}`);
    if (name === "connect.challenge") {
      if (frame.seq !== undefined) throw new Error("connect.challenge has a seq");
    } else if (frame.seq !== ++this.#seq) throw new Error(`seq ${String(frame.seq)} where ${this.#seq} was due`);
  }

  #response(frame: Record<string, unknown>): void {
    fits("ResponseFrame", frame);
    const id = String(frame.id);
    const method = this.#methods.get(id);
    const answers = (this.#answered.get(id) ?? 0) + 1;
    this.#answered.set(id, answers);
    if (answers > (method === "agent" ? 2 : 1)) throw new Error(`${String(method)} was answered ${answers} times`);
    if (frame.ok === true) {
      const check = RESULTS[method ?? ""];
      if (!check) throw new Error(`result of ${String(method)} is not known to the test`);
      check(frame.payload, `result of ${String(method)}`);
      return;
    }
    fits("ErrorShape", frame.error, `error of ${String(method)}`);
    const details = isObject(frame.error) && isObject(frame.error.details) ? frame.error.details : {};
    if (details.code === "MISSING_SCOPE") fits("MissingScopeErrorDetails", details);
    if (typeof details.code !== "string") throw new Error(`error of ${String(method)} has no details.code`);
  }
}
