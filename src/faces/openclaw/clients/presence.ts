import type { ClientSession } from "./client-session.ts";

/** A connected client as others may see it: what it is, not where it is. */
export const presenceOf = (peer: ClientSession) => ({
  // Older schemas have no field for a client's id.
  text: peer.client.id,
  version: peer.client.version,
  platform: peer.client.platform,
  mode: peer.client.mode,
  ...(peer.client.instanceId !== undefined && { instanceId: peer.client.instanceId }),
  reason: "connect",
  scopes: peer.scopes,
  ts: peer.connectedAt,
});
