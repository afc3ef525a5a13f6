import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { type Caller, mayDo, type Scope } from "../../../core/caller/caller.ts";

/** OpenClaw's scopes for each scope of a gateway key. */
const MEANING: Readonly<Record<Scope, readonly string[]>> = {
  chat: [SCOPES.read, SCOPES.write, SCOPES.approvals, SCOPES.questions],
  read: [SCOPES.read],
  admin: Object.values(SCOPES),
  logs: [],
  streams: [],
};

/** The claimed scopes that the key grants; without a key, all claimed scopes. A claim can only narrow. */
export function grantedScopes(caller: Caller, claimed: readonly string[]): readonly string[] {
  if (!caller.grant) return claimed;
  const granted = new Set([...caller.grant.scopes].flatMap((scope) => MEANING[scope]));
  return [...granted].filter((scope) => covers(claimed, scope));
}

/** Whether `scopes` include one, as in OpenClaw: admin includes all, write includes read. */
export function covers(scopes: readonly string[], scope: string): boolean {
  return (
    scopes.includes(SCOPES.admin) || scopes.includes(scope) || (scope === SCOPES.read && scopes.includes(SCOPES.write))
  );
}

/** Whether `scopes` include all of these. */
export const coversAll = (scopes: readonly string[], wanted: readonly string[]): boolean =>
  wanted.every((scope) => covers(scopes, scope));

/** Whether the caller may use this face. */
export const mayChat = (caller: Caller): boolean => mayDo(caller, "chat");
