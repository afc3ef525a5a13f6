import { ConnectParams, type ErrorShape } from "../../../protocol/openclaw/frames.ts";
import {
  OPENCLAW_ATTACHMENTS,
  OPENCLAW_CLOSE,
  OPENCLAW_MAX_BUFFERED_BYTES,
  OPENCLAW_PROBE_PROTOCOL,
  OPENCLAW_PROTOCOL,
  SCOPES,
} from "../../../protocol/openclaw/wire.ts";
import { GatewayError, toGatewayError } from "../../core/errors.ts";
import type { Authenticator, Caller, Connection } from "../../core/ports.ts";
import type { Desk } from "./desk.ts";
import { toErrorShape } from "./errors.ts";
import { invalid } from "./params-error.ts";
import { Peer } from "./peer.ts";
import { presenceOf } from "./presence.ts";
import { AGENT_ID, MAIN_KEY, MAIN_SESSION_KEY } from "./session-key.ts";

/** A refused `connect`: the response goes out first, because browsers see no more than a number in a close. */
export interface Refusal {
  readonly error: ErrorShape;
  readonly close: { readonly code: number; readonly reason: string };
}

export const isRefusal = (result: Peer | Refusal): result is Refusal => !(result instanceof Peer);

const refuse = (error: ErrorShape, code: number = OPENCLAW_CLOSE.policy): Refusal => ({
  error,
  close: { code, reason: error.message },
});

/** The terminal UI reads only whole messages. */
const CUMULATIVE_CLIENT = "openclaw-tui";

/** Checks the parameters of `connect`: their form, the protocol version, the role, and at last who it is. */
export function connect(desk: Desk, connection: Connection, params: unknown): Peer | Refusal {
  const parsed = ConnectParams.safeParse(params ?? {});
  if (!parsed.success) return refuse(toErrorShape(invalid("connect params", parsed.error)));
  const { client, role = "operator", caps = [], scopes = [SCOPES.read, SCOPES.write], auth } = parsed.data;

  const mismatch = versionMismatch(parsed.data);
  if (mismatch) return mismatch;
  if (role !== "operator") return refuse(toErrorShape(new GatewayError("bad_request", "invalid role")));

  const token = [auth?.token, auth?.password, auth?.deviceToken].find(
    (secret) => secret !== undefined && secret !== "",
  );
  const caller = connection.caller ?? authenticate(desk.authenticator, token, connection.remoteAddress);
  if ("error" in caller) {
    desk.observer.refused({ code: "unauthorized", remoteAddress: connection.remoteAddress, where: "openclaw" });
    return caller;
  }
  const cumulative = desk.settings.cumulativeMessages || client.id === CUMULATIVE_CLIENT;
  return new Peer(connection, { caller, client, scopes, caps, connectedAt: desk.clock.wall(), cumulative });
}

function versionMismatch({ minProtocol, maxProtocol, client }: ConnectParams): Refusal | undefined {
  const oldest = client.mode === "probe" ? OPENCLAW_PROBE_PROTOCOL : OPENCLAW_PROTOCOL;
  if (maxProtocol >= oldest && minProtocol <= OPENCLAW_PROTOCOL) return undefined;
  const { code, reason } = OPENCLAW_CLOSE.protocolMismatch;
  const details = {
    code: "PROTOCOL_MISMATCH",
    clientMinProtocol: minProtocol,
    clientMaxProtocol: maxProtocol,
    expectedProtocol: OPENCLAW_PROTOCOL,
    minimumProbeProtocol: OPENCLAW_PROBE_PROTOCOL,
  };
  return refuse(toErrorShape(new GatewayError("bad_protocol_version", reason), details), code);
}

/** The signature of a device is not looked at: the shared token says who may come in. */
function authenticate(authenticator: Authenticator, token: string | undefined, address: string): Caller | Refusal {
  try {
    const caller = authenticator.authenticate(token, address);
    if (caller) return caller;
  } catch (error) {
    const limited = toGatewayError(error);
    if (limited.code !== "rate_limited") throw error;
    const message = "unauthorized: too many failed authentication attempts (retry later)";
    const next = { code: "AUTH_RATE_LIMITED", authReason: "rate_limited", recommendedNextStep: "wait_then_retry" };
    const { retryAfterMs = 0 } = limited;
    return refuse({ ...toErrorShape(new GatewayError("unauthorized", message), next), retryAfterMs });
  }
  const missing = token === undefined;
  const message = `unauthorized: gateway token ${missing ? "missing" : "mismatch"} (provide gateway auth token)`;
  return refuse(
    toErrorShape(new GatewayError("unauthorized", message), {
      code: missing ? "AUTH_TOKEN_MISSING" : "AUTH_TOKEN_MISMATCH",
      authReason: missing ? "token_missing" : "token_mismatch",
      canRetryWithDeviceToken: false,
      recommendedNextStep: missing ? "update_auth_configuration" : "update_auth_credentials",
    }),
  );
}

/** Events a client may get. */
const EVENTS = ["connect.challenge", "chat", "agent", "session.message", "sessions.changed", "tick", "shutdown"];

/** The answer to a good `connect`. `methods` are those that really work. */
export function helloOk(desk: Desk, peer: Peer, methods: readonly string[]) {
  const now = desk.clock.wall();
  return {
    type: "hello-ok",
    protocol: OPENCLAW_PROTOCOL,
    // "configured" keeps the Control UI from reloading itself because this is not the gateway it came with.
    server: { version: desk.version, controlUiBuildSource: "configured", connId: peer.id },
    features: { methods, events: EVENTS, capabilities: [] },
    snapshot: {
      presence: [...desk.audience].map(presenceOf),
      health: { ok: true, ts: now },
      stateVersion: { presence: 0, health: 0 },
      uptimeMs: Math.max(0, now - desk.startedAt),
      sessionDefaults: {
        defaultAgentId: AGENT_ID,
        modelConfigured: desk.catalog.models.length > 0,
        ownership: "sole",
        selectionRequired: false,
        mainKey: MAIN_KEY,
        mainSessionKey: MAIN_SESSION_KEY,
        scope: "per-sender",
      },
      authMode: desk.authenticator.required ? "token" : "none",
    },
    auth: { role: "operator", scopes: peer.scopes },
    policy: {
      maxPayload: desk.settings.maxFrameBytes,
      maxBufferedBytes: OPENCLAW_MAX_BUFFERED_BYTES,
      tickIntervalMs: desk.settings.tickIntervalMs,
      attachments: OPENCLAW_ATTACHMENTS,
    },
  };
}
