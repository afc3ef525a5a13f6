/** The methods that keep a user's preferences, the same on all devices. */
import { UsersPrefsGetParams, UsersPrefsSetParams } from "../../../../../protocol/openclaw/preference-params.ts";
import { SCOPES } from "../../../../../protocol/openclaw/wire.ts";
import { type Method, method } from "../method.ts";

/** `users.prefs.get` and `users.prefs.set`. A caller is a user: connections with one key share their preferences. */
export const preferenceMethods: readonly Method[] = [
  method("users.prefs.get", SCOPES.read, UsersPrefsGetParams, ({ preferences }, { keys }, { client }) => ({
    status: "ok",
    entries: preferences.get(client.profileId, keys),
  })),

  method("users.prefs.set", SCOPES.write, UsersPrefsSetParams, (services, params, { client: sender }) => {
    const { profileId } = sender;
    if (!services.preferences.set(profileId, params.entries, params.expectedEntries)) return { status: "conflict" };
    const keys = Object.keys(params.entries);
    services.clients.tellReaders(
      "users.prefs.changed",
      () => ({ profileId, keys }),
      (client) => client.profileId === profileId,
    );
    return { status: "ok" };
  }),
];
