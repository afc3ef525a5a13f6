import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import { type Caller, mayDo, type Scope } from "../../../core/caller/caller.ts";

/** What each scope of a gateway key means to OpenClaw's clients. */
const MEANING: Readonly<Record<Scope, readonly string[]>> = {
  chat: [SCOPES.read, SCOPES.write, SCOPES.approvals, SCOPES.questions],
  read: [SCOPES.read],
  admin: Object.values(SCOPES),
  logs: [],
  streams: [],
};

/** Of what its key grants, that which a client claims: a claim can only narrow. Without a key, all it claims. */
export function grantedScopes(caller: Caller, claimed: readonly string[]): readonly string[] {
  if (!caller.grant) return claimed;
  const granted = new Set([...caller.grant.scopes].flatMap((scope) => MEANING[scope]));
  return [...granted].filter((scope) => covers(claimed, scope));
}

/** As the real gateway reads scopes: admin may do everything, write includes read. */
export function covers(scopes: readonly string[], scope: string): boolean {
  return (
    scopes.includes(SCOPES.admin) || scopes.includes(scope) || (scope === SCOPES.read && scopes.includes(SCOPES.write))
  );
}

/** Whether the caller may be on this face at all. */
export const mayChat = (caller: Caller): boolean => mayDo(caller, "chat");
