import { createHash } from "node:crypto";
import { CODES } from "../../../../protocol/codes.ts";
import { ConnectParams } from "../../../../protocol/openclaw/frames.ts";
import {
  isScope,
  OPENCLAW_ATTACHMENTS,
  OPENCLAW_CLOSE,
  OPENCLAW_MAX_BUFFERED_BYTES,
  OPENCLAW_OLDEST_PROTOCOL,
  OPENCLAW_PROTOCOL,
  OPENCLAW_RELEASE,
} from "../../../../protocol/openclaw/wire.ts";
import type { Caller } from "../../../core/caller/caller.ts";
import { GatewayError, toGatewayError } from "../../../core/kernel/errors.ts";
import type { Connection } from "../../../core/ports/connection.ts";
import { ClientSession } from "../clients/client-session.ts";
import { DEVICE_ROLE } from "../clients/device-token.ts";
import { type DeviceTokens, type IssuedToken, issuedAt } from "../clients/device-tokens.ts";
import { toErrorShape } from "../clients/errors.ts";
import { mayChat } from "../clients/granted-scopes.ts";
import { invalid } from "../methods/params-error.ts";
import type { Services } from "../methods/services.ts";
import { AGENT_ID, MAIN_KEY, MAIN_SESSION_KEY } from "../sessions/session-key.ts";
import { deviceFault } from "./device.ts";
import { badDevice, isRefusal, lacksChat, type Refusal, refuse } from "./refusals.ts";
import { type SignIn, signIn } from "./sign-in.ts";

/** The terminal UI reads only cumulative messages. So do clients of version 3, which has no other text in its deltas. */
const CUMULATIVE_CLIENT = "openclaw-tui";
const CUMULATIVE_PROTOCOL = 3;

/** A client past its handshake. */
export interface Accepted {
  readonly client: ClientSession;
  /** The newest version that both sides speak. */
  readonly protocol: number;
  /** The device's token, if it signed in with one or was given one. */
  readonly token: IssuedToken | undefined;
}

/**
 * Checks the parameters of `connect`: their form, the protocol version, the role, the credentials, the key's scope, and
 * last the device's signature over `nonce`, so that unauthenticated clients cannot make us verify signatures.
 */
export function connect(
  services: Services,
  connection: Connection,
  params: unknown,
  nonce: string,
): Accepted | Refusal {
  const parsed = ConnectParams.safeParse(params ?? {});
  if (!parsed.success) return refuse(toErrorShape(invalid("connect params", parsed.error)));
  const { client, role = DEVICE_ROLE, caps = [], device } = parsed.data;

  const otherVersion = versionMismatch(parsed.data);
  if (otherVersion) return otherVersion;
  const protocol = Math.min(parsed.data.maxProtocol, OPENCLAW_PROTOCOL);
  if (role !== DEVICE_ROLE) return refuse(toErrorShape(new GatewayError("bad_request", "invalid role")));

  const signedIn = signIn(services, connection, parsed.data);
  if (isRefusal(signedIn)) return turnedAway(services, connection, signedIn);
  const { caller, scopes, presented } = signedIn;
  if (!mayChat(caller)) return turnedAway(services, connection, lacksChat());
  const fault = deviceFault(parsed.data, nonce, services.clock.wall());
  if (fault)
    return turnedAway(services, connection, badDevice(services.authenticator, fault, connection.remoteAddress));
  try {
    connection.authenticated(caller);
  } catch (thrown) {
    return refuse(toErrorShape(toGatewayError(thrown)), CODES.rate_limited.closeCode);
  }
  const session = new ClientSession(connection, {
    caller,
    client,
    claimed: scopes,
    caps,
    deviceId: device?.id,
    byDeviceToken: presented !== undefined,
    connectedAt: services.clock.wall(),
    cumulative:
      services.settings.cumulativeMessages || client.id === CUMULATIVE_CLIENT || protocol === CUMULATIVE_PROTOCOL,
  });
  return { client: session, protocol, token: deviceTokenOf(services.devices, signedIn, session, device) };
}

/** The token that a signed device signs in with next time. */
function deviceTokenOf(
  devices: DeviceTokens,
  { presented, caller, secret }: SignIn,
  { about, scopes }: ClientSession,
  device: ConnectParams["device"],
): IssuedToken | undefined {
  if (presented) {
    devices.used(presented.device, about);
    return { token: presented.token, issuedAtMs: issuedAt(presented.device) };
  }
  if (!device || secret === undefined) return undefined;
  return devices.issue({ device, client: about, caller, scopes: scopes.filter(isScope), secret });
}

function turnedAway({ observer }: Services, { remoteAddress }: Connection, refusal: Refusal): Refusal {
  observer.refused({ code: "unauthorized", remoteAddress, where: "openclaw" });
  return refusal;
}

function versionMismatch({ minProtocol, maxProtocol }: ConnectParams): Refusal | undefined {
  if (maxProtocol >= OPENCLAW_OLDEST_PROTOCOL && minProtocol <= OPENCLAW_PROTOCOL) return undefined;
  const { code, reason } = OPENCLAW_CLOSE.protocolMismatch;
  const details = {
    code: "PROTOCOL_MISMATCH",
    clientMinProtocol: minProtocol,
    clientMaxProtocol: maxProtocol,
    expectedProtocol: OPENCLAW_PROTOCOL,
    minimumProbeProtocol: OPENCLAW_OLDEST_PROTOCOL,
  };
  return refuse(toErrorShape(new GatewayError("bad_protocol_version", reason), details), code);
}

/** The events that clients may receive. */
const EVENTS = [
  "connect.challenge",
  "chat",
  "agent",
  "session.message",
  "sessions.changed",
  "users.prefs.changed",
  "device.pair.changed",
  "tick",
  "shutdown",
];

/** What the command line and the terminal UI look for: `models.list` says which models can be used. */
const CAPABILITIES = ["published-model-catalog"];

/**
 * The name under which a browser keeps unsent messages, so that only the same caller finds them. Without it the Control
 * UI sends no attachments.
 */
const recoveryScopeOf = (caller: Caller): string =>
  createHash("sha256").update(`sluice ${caller.name}`).digest("base64url");

/** The response to an accepted `connect`. `methods` are the ones that this client may call. */
export function helloOk(services: Services, { client, protocol, token }: Accepted, methods: readonly string[]) {
  const now = services.clock.wall();
  return {
    type: "hello-ok",
    protocol,
    // Clients compare the version with their own, and tell people to install the gateway again if it is another one. Our
    // own is in `status` and on the page. "configured" stops the Control UI from reloading because this is not the gateway that it came with.
    server: { version: OPENCLAW_RELEASE, controlUiBuildSource: "configured", connId: client.id },
    features: { methods, events: EVENTS, capabilities: CAPABILITIES },
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
    auth: {
      role: DEVICE_ROLE,
      scopes: client.scopes,
      recoveryScope: recoveryScopeOf(client.caller),
      ...(token && { deviceToken: token.token, issuedAtMs: token.issuedAtMs }),
    },
    policy: {
      maxPayload: services.settings.maxFrameBytes,
      maxBufferedBytes: OPENCLAW_MAX_BUFFERED_BYTES,
      tickIntervalMs: services.settings.tickIntervalMs,
      attachments: OPENCLAW_ATTACHMENTS,
    },
  };
}
