import { SCOPES } from "../../../protocol/openclaw/wire.ts";
import { type Caller, mayDo, type Scope } from "../../core/caller.ts";

/** What each scope of a gateway key means to OpenClaw's clients. */
const MEANING: Readonly<Record<Scope, readonly string[]>> = {
  chat: [SCOPES.read, SCOPES.write, SCOPES.approvals, SCOPES.questions],
  read: [SCOPES.read],
  admin: Object.values(SCOPES),
  logs: [],
  streams: [],
};

/** Of the scopes a client claims those that its key grants: a claim can only narrow. Without a key, all it claims. */
export function grantedScopes(caller: Caller, claimed: readonly string[]): readonly string[] {
  if (!caller.grant) return claimed;
  const granted = new Set([...caller.grant.scopes].flatMap((scope) => MEANING[scope]));
  return claimed.filter((scope) => granted.has(scope));
}

/** Whether the caller may be on this face at all. */
export const mayChat = (caller: Caller): boolean => mayDo(caller, "chat");
