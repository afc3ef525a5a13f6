import type { ClientSession } from "./client-session.ts";

/** A connected client as others may see it: what it is, not where it is. */
export const presenceOf = (client: ClientSession) => ({
  // Older schemas have no field for a client's id.
  text: client.about.id,
  version: client.about.version,
  platform: client.about.platform,
  mode: client.about.mode,
  ...(client.about.instanceId !== undefined && { instanceId: client.about.instanceId }),
  reason: "connect",
  scopes: client.scopes,
  ts: client.connectedAt,
});
