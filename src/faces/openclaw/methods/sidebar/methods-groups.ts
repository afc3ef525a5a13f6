/** The methods that keep the sidebar's folders. A session is put into one with `sessions.patch`, field `category`. */
import {
  SessionsGroupsDeleteParams,
  SessionsGroupsPutParams,
  SessionsGroupsRenameParams,
} from "../../../../../protocol/openclaw/group-params.ts";
import { NoParams } from "../../../../../protocol/openclaw/status-params.ts";
import { SCOPES } from "../../../../../protocol/openclaw/wire.ts";
import { GatewayError } from "../../../../core/kernel/errors.ts";
import { type Method, method } from "../method.ts";
import type { Services } from "../services.ts";

/** The answer after a change, which all lists of sessions hear of. */
function changed({ groups, news }: Services, updatedSessions?: number) {
  news.groupsChanged();
  return { ok: true, ...groups.shown, ...(updatedSessions !== undefined && { updatedSessions }) };
}

function trimmed(name: string): string {
  const text = name.trim();
  if (text === "") throw new GatewayError("bad_request", "session group name must not be empty");
  return text;
}

/** The methods of groups. */
export const groupMethods: readonly Method[] = [
  method("sessions.groups.list", SCOPES.read, NoParams, ({ groups }) => groups.shown),

  // Defaults are directories for new sessions, of which there are none here.
  method("sessions.groups.defaults", SCOPES.write, NoParams, ({ groups }) => ({
    defaults: groups.names.map((name) => ({ name })),
  })),

  method("sessions.groups.put", SCOPES.write, SessionsGroupsPutParams, (services, { names, sectionOrder }) => {
    services.groups.put(names, sectionOrder);
    return changed(services);
  }),

  method("sessions.groups.rename", SCOPES.write, SessionsGroupsRenameParams, (services, { name, to }) =>
    changed(services, services.groups.rename(trimmed(name), trimmed(to))),
  ),

  method("sessions.groups.delete", SCOPES.write, SessionsGroupsDeleteParams, (services, { name }) =>
    changed(services, services.groups.delete(trimmed(name))),
  ),
];
