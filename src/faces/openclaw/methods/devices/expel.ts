import type { ClientSession } from "../../clients/client-session.ts";
import type { Clients } from "../../clients/clients.ts";

/** Ends the connections of a device whose token is no longer valid. `left` forgets each client. */
export function expel(clients: Clients, deviceId: string, left: (client: ClientSession) => void): void {
  for (const client of clients) {
    if (client.deviceId !== deviceId) continue;
    clients.remove(client);
    left(client);
    client.expel();
  }
}
