/** Parameters of the methods about paired devices. */
import { closed, list, text } from "./closed.ts";

/** Longer than any device id or role. */
const name = text.max(256);

export const DeviceParams = closed({ deviceId: name });
/** The real gateway's limit on a label, in characters. */
export const DeviceRenameParams = closed({ deviceId: name, label: text.max(64) });
export const DeviceTokenRevokeParams = closed({ deviceId: name, role: name });
export const DeviceTokenRotateParams = closed({
  deviceId: name,
  role: name,
  scopes: list(text.max(256), 64).optional(),
});
