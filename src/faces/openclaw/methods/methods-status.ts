/** The methods that describe this gateway. */
import {
  AgentIdentityParams,
  CommandsListParams,
  HealthParams,
  ModelsAuthStatusParams,
  ModelsListParams,
  NoParams,
  StatusParams,
} from "../../../../protocol/openclaw/status-params.ts";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { mayDo } from "../../../core/caller/caller.ts";
import { modelFields, selectionOf, thinkingFields } from "../sessions/model-catalog.ts";
import { AGENT_ID, canonicalKey, MAIN_KEY } from "../sessions/session-key.ts";
import { commandEntries } from "./commands/table.ts";
import { method } from "./method.ts";
import type { Services } from "./services.ts";
import { listSessions, STORE_NAME } from "./session-list.ts";

const RECENT_SESSIONS = 10;

const noHeartbeat = { enabled: false, every: "disabled", everyMs: null, prompt: "", target: "none", ackMaxChars: 0 };

/** Settings of what this gateway does not have: pages take their absence for OpenClaw's defaults. */
const NO_TOOLS = { tools: { exec: { security: "deny" } }, browser: { enabled: false } };

/** The number of sessions and the newest ones, for status pages. */
function sessionSummary(services: Services) {
  const { sessions, totalCount, ts } = listSessions(services, { limit: RECENT_SESSIONS });
  const recent = sessions.map(({ key, updatedAt }) => ({
    key,
    updatedAt,
    age: updatedAt === null ? null : Math.max(0, ts - updatedAt),
  }));
  return { path: STORE_NAME, count: totalCount, recent };
}

/** Methods about health and models. */
export const statusMethods = [
  method("models.list", SCOPES.read, ModelsListParams, (services, params) => ({
    models: services.catalog.list(params.provider),
  })),

  method("models.authStatus", SCOPES.read, ModelsAuthStatusParams, (services) => {
    const routes = new Set(services.catalog.models.map((model) => model.route));
    const providers = [...routes].map(({ name, key }) => ({
      provider: name,
      authProvider: name,
      displayName: name,
      status: "static",
      profiles: [],
      ...(key !== undefined && { apiKey: { source: "config" } }),
    }));
    return { ts: services.clock.wall(), providers };
  }),

  method("commands.list", SCOPES.read, CommandsListParams, () => ({ commands: commandEntries })),

  // Without `model.primary` the Control UI disables its composer.
  method("agents.list", SCOPES.read, NoParams, (services) => ({
    defaultId: AGENT_ID,
    mainKey: MAIN_KEY,
    scope: "per-sender",
    ownership: "sole",
    selectionRequired: false,
    agents: [
      {
        id: AGENT_ID,
        name: services.settings.agentName,
        identity: { name: services.settings.agentName },
        model: { primary: selectionOf(services.catalog.default) },
        ...thinkingFields,
      },
    ],
  })),

  method("agent.identity.get", SCOPES.read, AgentIdentityParams, (services, params) => {
    canonicalKey(params.sessionKey || MAIN_KEY, params.agentId);
    return { agentId: AGENT_ID, name: services.settings.agentName, nameSource: "config" };
  }),

  // This gateway's own configuration for callers that may see it, and what OpenClaw's pages show, in OpenClaw's terms.
  method("config.get", SCOPES.read, NoParams, (services, _params, call) => {
    const defaults = { model: { primary: selectionOf(services.catalog.default) } };
    const config = {
      ...(mayDo(call.client.caller, "admin") && services.config()),
      agents: { defaults },
      gateway: { auth: { mode: services.authenticator.required ? "token" : "none" } },
      ...NO_TOOLS,
    };
    const raw = JSON.stringify(config);
    return { path: "", exists: true, raw, parsed: config, config, valid: true, hash: services.version, issues: [] };
  }),

  method("status", SCOPES.read, StatusParams, (services) => {
    const { count, recent } = sessionSummary(services);
    const { model, contextTokens } = modelFields(services.catalog.default);
    return {
      runtimeVersion: `Sluice ${services.version}`,
      heartbeat: { defaultAgentId: AGENT_ID, agents: [{ agentId: AGENT_ID, ...noHeartbeat }] },
      channelSummary: [],
      queuedSystemEvents: [],
      tasks: {},
      sessions: {
        paths: [STORE_NAME],
        count,
        defaults: { model, contextTokens: contextTokens ?? null },
        recent: recent.map((session) => ({ ...session, agentId: AGENT_ID, kind: "direct", flags: [] })),
        byAgent: [{ agentId: AGENT_ID, path: STORE_NAME, count, recent }],
      },
    };
  }),

  method("health", SCOPES.read, HealthParams, (services) => ({
    ok: true,
    ts: services.clock.wall(),
    durationMs: 0,
    channels: {},
    channelOrder: [],
    channelLabels: {},
    heartbeatSeconds: 0,
    defaultAgentId: AGENT_ID,
    agents: [{ agentId: AGENT_ID, isDefault: true, heartbeat: noHeartbeat, sessions: sessionSummary(services) }],
    sessions: sessionSummary(services),
  })),

  method("system-presence", SCOPES.read, NoParams, (services) => [...services.clients].map(({ presence }) => presence)),

  method("gateway.identity.get", SCOPES.read, NoParams, (services) => services.identity),
];
