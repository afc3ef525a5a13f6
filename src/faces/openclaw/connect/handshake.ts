import { createHash } from "node:crypto";
import { CODES } from "../../../../protocol/codes.ts";
import { ConnectParams, type ErrorShape } from "../../../../protocol/openclaw/frames.ts";
import {
  OPENCLAW_ATTACHMENTS,
  OPENCLAW_CLOSE,
  OPENCLAW_MAX_BUFFERED_BYTES,
  OPENCLAW_PROBE_PROTOCOL,
  OPENCLAW_PROTOCOL,
  SCOPES,
} from "../../../../protocol/openclaw/wire.ts";
import type { Caller } from "../../../core/caller/caller.ts";
import { GatewayError, toGatewayError } from "../../../core/kernel/errors.ts";
import type { Authenticator } from "../../../core/ports/authenticator.ts";
import type { Connection } from "../../../core/ports/connection.ts";
import { ClientSession } from "../clients/client-session.ts";
import { toErrorShape } from "../clients/errors.ts";
import { mayChat } from "../clients/granted-scopes.ts";
import { invalid } from "../methods/params-error.ts";
import type { Services } from "../methods/services.ts";
import { AGENT_ID, MAIN_KEY, MAIN_SESSION_KEY } from "../sessions/session-key.ts";
import { type DeviceFault, deviceFault } from "./device.ts";

/** A refused `connect`. The response is sent before the close, of which browsers see only the number. */
export interface Refusal {
  readonly error: ErrorShape;
  readonly close: { readonly code: number; readonly reason: string };
}

/** Whether a handshake ended in a refusal instead of a session. */
export const isRefusal = (result: ClientSession | Refusal): result is Refusal => !(result instanceof ClientSession);

const refuse = (error: ErrorShape, code: number = OPENCLAW_CLOSE.policy): Refusal => ({
  error,
  close: { code, reason: error.message },
});

/** The terminal UI reads only cumulative messages. */
const CUMULATIVE_CLIENT = "openclaw-tui";

/**
 * Checks the parameters of `connect`: their form, the protocol version, the role, the credentials, the key's scope, and
 * last the device's signature over `nonce`, so that unauthenticated clients cannot make us verify signatures.
 */
export function connect(
  services: Services,
  connection: Connection,
  params: unknown,
  nonce: string,
): ClientSession | Refusal {
  const parsed = ConnectParams.safeParse(params ?? {});
  if (!parsed.success) return refuse(toErrorShape(invalid("connect params", parsed.error)));
  const { client, role = "operator", caps = [], scopes = [SCOPES.read, SCOPES.write], auth } = parsed.data;

  const otherVersion = versionMismatch(parsed.data);
  if (otherVersion) return otherVersion;
  if (role !== "operator") return refuse(toErrorShape(new GatewayError("bad_request", "invalid role")));

  const token = [auth?.token, auth?.password, auth?.deviceToken].find(
    (secret) => secret !== undefined && secret !== "",
  );
  const caller = connection.caller ?? authenticate(services.authenticator, token, connection.remoteAddress);
  if ("error" in caller) return turnedAway(services, connection, caller);
  if (!mayChat(caller)) return turnedAway(services, connection, lacksChat());
  const fault = deviceFault(parsed.data, nonce, services.clock.wall());
  if (fault)
    return turnedAway(services, connection, badDevice(services.authenticator, fault, connection.remoteAddress));
  try {
    connection.authenticated(caller);
  } catch (thrown) {
    return refuse(toErrorShape(toGatewayError(thrown)), CODES.rate_limited.closeCode);
  }
  const cumulative = services.settings.cumulativeMessages || client.id === CUMULATIVE_CLIENT;
  return new ClientSession(connection, {
    caller,
    client,
    claimed: scopes,
    caps,
    connectedAt: services.clock.wall(),
    cumulative,
  });
}

function turnedAway({ observer }: Services, { remoteAddress }: Connection, refusal: Refusal): Refusal {
  observer.refused({ code: "unauthorized", remoteAddress, where: "openclaw" });
  return refusal;
}

const unauthorized = (message: string, details: Readonly<Record<string, unknown>>): Refusal =>
  refuse(toErrorShape(new GatewayError("unauthorized", message), details));

const lacksChat = (): Refusal =>
  unauthorized("unauthorized: the key lacks the scope chat", {
    code: "AUTH_SCOPE_MISMATCH",
    authReason: "scope_mismatch",
    recommendedNextStep: "update_auth_credentials",
  });

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

/** Authenticates by the shared token or a gateway key. */
function authenticate(authenticator: Authenticator, token: string | undefined, address: string): Caller | Refusal {
  try {
    const caller = authenticator.authenticate(token, address);
    if (caller) return caller;
  } catch (error) {
    const refusal = toGatewayError(error);
    if (refusal.code === "unauthorized") return mismatch(refusal.message);
    return lockedOut(refusal);
  }
  if (token !== undefined) return mismatch("provide gateway auth token");
  return unauthorized("unauthorized: gateway token missing (provide gateway auth token)", {
    code: "AUTH_TOKEN_MISSING",
    authReason: "token_missing",
    canRetryWithDeviceToken: false,
    recommendedNextStep: "update_auth_configuration",
  });
}

/** A bad signature counts as a failed authentication, like a wrong token. */
function badDevice(authenticator: Authenticator, { code, message }: DeviceFault, address: string): Refusal {
  try {
    authenticator.failed(address);
  } catch (error) {
    return lockedOut(toGatewayError(error));
  }
  return unauthorized(message, { code, reason: code });
}

/** Throws any refusal other than `rate_limited`. */
function lockedOut(refusal: GatewayError): Refusal {
  if (refusal.code !== "rate_limited") throw refusal;
  const message = "unauthorized: too many failed authentication attempts (retry later)";
  const next = { code: "AUTH_RATE_LIMITED", authReason: "rate_limited", recommendedNextStep: "wait_then_retry" };
  const { retryAfterMs = 0 } = refusal;
  return refuse({ ...toErrorShape(new GatewayError("unauthorized", message), next), retryAfterMs });
}

const mismatch = (reason: string): Refusal =>
  unauthorized(`unauthorized: gateway token mismatch (${reason})`, {
    code: "AUTH_TOKEN_MISMATCH",
    authReason: "token_mismatch",
    canRetryWithDeviceToken: false,
    recommendedNextStep: "update_auth_credentials",
  });

/** The events that clients may receive. */
const EVENTS = [
  ...["connect.challenge", "chat", "agent", "session.message", "sessions.changed", "users.prefs.changed"],
  ...["tick", "shutdown"],
];

/**
 * The name under which a browser keeps unsent messages, so that only the same caller finds them. Without it the Control
 * UI sends no attachments.
 */
const recoveryScopeOf = (caller: Caller): string =>
  createHash("sha256").update(`sluice ${caller.name}`).digest("base64url");

/** The response to an accepted `connect`. `methods` are the ones that this client may call. */
export function helloOk(services: Services, client: ClientSession, methods: readonly string[]) {
  const now = services.clock.wall();
  return {
    type: "hello-ok",
    protocol: OPENCLAW_PROTOCOL,
    // "configured" stops the Control UI from reloading because this is not the gateway that it came with.
    server: { version: services.version, controlUiBuildSource: "configured", connId: client.id },
    features: { methods, events: EVENTS, capabilities: [] },
    snapshot: {
      presence: [...services.clients].map(({ presence }) => presence),
      health: { ok: true, ts: now },
      stateVersion: { presence: 0, health: 0 },
      uptimeMs: Math.max(0, now - services.startedAt),
      sessionDefaults: {
        defaultAgentId: AGENT_ID,
        modelConfigured: services.catalog.models.length > 0,
        ownership: "sole",
        selectionRequired: false,
        mainKey: MAIN_KEY,
        mainSessionKey: MAIN_SESSION_KEY,
        scope: "per-sender",
      },
      authMode: services.authenticator.required ? "token" : "none",
    },
    auth: { role: "operator", scopes: client.scopes, recoveryScope: recoveryScopeOf(client.caller) },
    policy: {
      maxPayload: services.settings.maxFrameBytes,
      maxBufferedBytes: OPENCLAW_MAX_BUFFERED_BYTES,
      tickIntervalMs: services.settings.tickIntervalMs,
      attachments: OPENCLAW_ATTACHMENTS,
    },
  };
}
