/** The methods about paired devices: the ones that signed in and have a token. */
import {
  DeviceParams,
  DeviceRenameParams,
  DeviceTokenRevokeParams,
  DeviceTokenRotateParams,
} from "../../../../../protocol/openclaw/device-params.ts";
import { NoParams } from "../../../../../protocol/openclaw/status-params.ts";
import { isScope, SCOPES } from "../../../../../protocol/openclaw/wire.ts";
import { GatewayError } from "../../../../core/kernel/errors.ts";
import type { ClientSession } from "../../clients/client-session.ts";
import type { DeviceRecord } from "../../clients/device-record.ts";
import { DEVICE_ROLE } from "../../clients/device-token.ts";
import { issuedAt } from "../../clients/device-tokens.ts";
import { covers } from "../../clients/granted-scopes.ts";
import type { Call } from "../call.ts";
import { ANSWERED, method } from "../method.ts";
import type { Services } from "../services.ts";
import { expel } from "./expel.ts";

const refused = (message: string): GatewayError => new GatewayError("bad_request", message);

/** As in the real gateway, one that signed in with a device token manages its own device alone, unless it is an admin. */
const mayManage = (client: ClientSession, deviceId: string): boolean =>
  !client.byDeviceToken || client.deviceId === deviceId || client.may(SCOPES.admin);

/** The device that the client may change. Throws `bad_request`: `denied` if it is another's, else that it is unknown. */
function managed({ devices }: Services, { client }: Call, deviceId: string, denied: string): DeviceRecord {
  if (!mayManage(client, deviceId)) throw refused(denied);
  const device = devices.get(deviceId);
  if (!device) throw refused("unknown deviceId");
  return device;
}

/** The same for its token, which only a client with all the token's scopes may end or replace. */
function managedToken(services: Services, call: Call, about: { deviceId: string; role: string }, denied: string) {
  const device = about.role === DEVICE_ROLE ? services.devices.get(about.deviceId) : undefined;
  const mayAll = device?.scopes.every((scope) => !isScope(scope) || call.client.may(scope));
  if (!device || !mayAll || !mayManage(call.client, about.deviceId)) throw refused(denied);
  return device;
}

/** Sends the response, then closes the device's connections, perhaps the caller's own. They receive nothing more. */
function replyAndExpel({ clients, runs }: Services, call: Call, { deviceId }: DeviceRecord, payload: object) {
  call.reply(payload);
  expel(clients, deviceId, (client) => runs.leave(client));
  return ANSWERED;
}

/** A device as clients read it: never its digests or the name of its key. */
function pairedDevice(device: DeviceRecord, connected: boolean) {
  const { deviceId, publicKey, clientId, clientMode, platform, scopes } = device;
  const { deviceFamily, displayName, operatorLabel, createdAtMs, rotatedAtMs, revokedAtMs, lastUsedAtMs } = device;
  const token = { role: DEVICE_ROLE, scopes, createdAtMs, rotatedAtMs, revokedAtMs, lastUsedAtMs };
  return {
    ...{ deviceId, publicKey, clientId, clientMode, platform, deviceFamily, displayName, operatorLabel },
    ...{ role: DEVICE_ROLE, roles: [DEVICE_ROLE], scopes },
    approvedVia: "silent",
    createdAtMs,
    approvedAtMs: issuedAt(device),
    lastSeenAtMs: lastUsedAtMs,
    lastSeenReason: "connect",
    connected,
    tokens: [token],
  };
}

/** Methods about devices. */
export const deviceMethods = [
  method("device.pair.list", SCOPES.pairing, NoParams, (services, _params, { client }) => {
    const connected = new Set([...services.clients].map(({ deviceId }) => deviceId));
    const visible = services.devices.list().filter(({ deviceId }) => mayManage(client, deviceId));
    return { pending: [], paired: visible.map((device) => pairedDevice(device, connected.has(device.deviceId))) };
  }),

  method("device.pair.remove", SCOPES.pairing, DeviceParams, (services, { deviceId }, call) => {
    const device = managed(services, call, deviceId, "device pairing removal denied");
    services.devices.remove(device);
    return replyAndExpel(services, call, device, { deviceId });
  }),

  method("device.pair.rename", SCOPES.pairing, DeviceRenameParams, (services, { deviceId, label }, call) => {
    const name = label.trim();
    if (name === "") throw refused("label required");
    services.devices.rename(managed(services, call, deviceId, "device pairing rename denied"), name);
    services.clients.tell("device.pair.changed", () => ({}), undefined, SCOPES.pairing);
    return { deviceId, label: name };
  }),

  method("device.token.revoke", SCOPES.pairing, DeviceTokenRevokeParams, (services, params, call) => {
    const device = managedToken(services, call, params, "device token revocation denied");
    const revokedAtMs = services.devices.revoke(device);
    return replyAndExpel(services, call, device, { deviceId: device.deviceId, role: DEVICE_ROLE, revokedAtMs });
  }),

  method("device.token.rotate", SCOPES.pairing, DeviceTokenRotateParams, (services, params, call) => {
    const denied = "device token rotation denied";
    const device = managedToken(services, call, params, denied);
    const scopes = (params.scopes ?? device.scopes).filter(isScope);
    const isWithin = scopes.every((scope) => covers(device.scopes, scope));
    const issued = isWithin ? services.devices.rotate(device, scopes) : undefined;
    if (!issued) throw refused(denied);
    const { client } = call;
    const isOwn = client.byDeviceToken && client.deviceId === device.deviceId;
    return replyAndExpel(services, call, device, {
      ...{ deviceId: device.deviceId, role: DEVICE_ROLE, scopes, rotatedAtMs: issued.issuedAtMs },
      ...(isOwn ? { token: issued.token, tokenDelivery: "in-band" } : { tokenDelivery: "withheld-cross-device" }),
    });
  }),
];
