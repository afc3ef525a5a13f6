import type { ConnectParams } from "../../../../protocol/openclaw/frames.ts";
import { isScope, SCOPES } from "../../../../protocol/openclaw/wire.ts";
import type { Caller } from "../../../core/caller/caller.ts";
import { toGatewayError } from "../../../core/kernel/errors.ts";
import type { Authenticator } from "../../../core/ports/authenticator.ts";
import type { Connection } from "../../../core/ports/connection.ts";
import type { DeviceRecord } from "../clients/device-record.ts";
import type { DeviceTokens } from "../clients/device-tokens.ts";
import { covers, coversAll } from "../clients/granted-scopes.ts";
import type { Services } from "../methods/services.ts";
import {
  deviceTokenMismatch,
  isRefusal,
  lockedOut,
  type Refusal,
  tokenMismatch,
  tokenMissing,
  tooFewScopes,
} from "./refusals.ts";

/** Who a client is, and how it showed it. */
export interface SignIn {
  readonly caller: Caller;
  /** The scopes it asked for; with a device token, the ones of them that the token covers. */
  readonly scopes: readonly string[];
  /** The shared token or gateway key in its frame. */
  readonly secret?: string | undefined;
  /** The device token in its frame, and its device. */
  readonly presented?: { readonly token: string; readonly device: DeviceRecord };
}

/** What a client gets that does not say which scopes it wants. */
const USUAL_SCOPES: readonly string[] = [SCOPES.read, SCOPES.write];

/**
 * Authenticates a client: by the credentials of its handshake, its device's token, the shared token or a gateway key. The
 * device's signature is still to be verified.
 */
export function signIn(services: Services, connection: Connection, params: ConnectParams): SignIn | Refusal {
  const { scopes = USUAL_SCOPES, auth } = params;
  if (connection.caller) return { caller: connection.caller, scopes };
  const presented = services.authenticator.required ? findDevice(services.devices, params) : undefined;
  const known = (params.scopes ?? []).filter(isScope);
  if (presented && coversAll(presented.device.scopes, known)) return withDevice(presented, params.scopes);
  const secrets = [auth?.token, auth?.password, auth?.deviceToken].filter(
    (secret) => secret !== undefined && secret !== "" && secret !== presented?.token,
  );
  if (presented && secrets.length === 0) return tooFewScopes();
  const [secret] = secrets;
  const caller = authenticate(services.authenticator, secret, connection.remoteAddress, params);
  return isRefusal(caller) ? caller : { caller, scopes, secret };
}

type Presented = NonNullable<SignIn["presented"]> & { readonly caller: Caller };

/** The device token in a frame, which may stand in place of the shared token, if it is valid and this device's own. */
function findDevice(devices: DeviceTokens, { auth, device }: ConnectParams): Presented | undefined {
  for (const token of [auth?.deviceToken, auth?.token]) {
    const found = token === undefined ? undefined : devices.find(token);
    if (token !== undefined && found && found.device.deviceId === device?.id) return { token, ...found };
  }
  return undefined;
}

/** Scopes that no method here needs are left out, whether the token covers them or not. */
const withDevice = ({ token, device, caller }: Presented, scopes = device.scopes): SignIn => ({
  caller,
  scopes: scopes.filter((scope) => covers(device.scopes, scope)),
  presented: { token, device },
});

/** Authenticates by the shared token or a gateway key. */
function authenticate(
  authenticator: Authenticator,
  secret: string | undefined,
  address: string,
  { auth, device }: ConnectParams,
): Caller | Refusal {
  const mismatch = (reason: string) =>
    auth?.deviceToken ? deviceTokenMismatch() : tokenMismatch(reason, device !== undefined && !auth?.password);
  try {
    const caller = authenticator.authenticate(secret, address);
    if (caller) return caller;
  } catch (error) {
    const refusal = toGatewayError(error);
    return refusal.code === "unauthorized" ? mismatch(refusal.message) : lockedOut(refusal);
  }
  return secret === undefined ? tokenMissing() : mismatch("provide gateway auth token");
}
