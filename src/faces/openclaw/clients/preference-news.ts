import type { Clients } from "./clients.ts";

/** Tells the clients of a profile which of its preferences have changed. */
export function tellOfPreferences(clients: Clients, profileId: string, keys: readonly string[]): void {
  clients.tellReaders(
    "users.prefs.changed",
    () => ({ profileId, keys }),
    (client) => client.profileId === profileId,
  );
}
