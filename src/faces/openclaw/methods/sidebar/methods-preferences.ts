/** The methods that say who a user is and keep the user's preferences, the same on all devices. */
import { UsersPrefsGetParams, UsersPrefsSetParams } from "../../../../../protocol/openclaw/preference-params.ts";
import { AnyParams } from "../../../../../protocol/openclaw/status-params.ts";
import { SCOPES } from "../../../../../protocol/openclaw/wire.ts";
import { tellOfPreferences } from "../../clients/preference-news.ts";
import { type Method, method } from "../method.ts";

/** A profile that its user left as it is: keys have no picture, address or account. */
const PLAIN_PROFILE = {
  displayName: null,
  avatarMime: null,
  mergedInto: null,
  createdAt: 0,
  updatedAt: 0,
  emails: [],
  githubIdentity: null,
  hasAvatar: false,
};

/**
 * `users.self`, `users.listModelAccounts` (none: keys stand in the configuration), `users.prefs.get` and
 * `users.prefs.set`. A caller is a user: connections with one key share their preferences. The Control UI's profile page
 * asks for the first two once its presence names a user, advertised or not.
 */
export const preferenceMethods: readonly Method[] = [
  method("users.self", SCOPES.write, AnyParams, (_services, _params, { client }) => ({
    profile: { id: client.profileId, ...PLAIN_PROFILE },
  })),

  method("users.listModelAccounts", SCOPES.read, AnyParams, (_services, _params, { client }) => ({
    profileId: client.profileId,
    accounts: [],
    links: [],
  })),

  method("users.prefs.get", SCOPES.read, UsersPrefsGetParams, ({ preferences }, { keys }, { client }) => ({
    status: "ok",
    entries: preferences.get(client.profileId, keys),
  })),

  method("users.prefs.set", SCOPES.write, UsersPrefsSetParams, (services, params, { client: sender }) => {
    const { profileId } = sender;
    if (!services.preferences.set(profileId, params.entries, params.expectedEntries)) return { status: "conflict" };
    tellOfPreferences(services.clients, profileId, Object.keys(params.entries));
    return { status: "ok" };
  }),
];
