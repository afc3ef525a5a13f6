import { GatewayError } from "../../../../core/kernel/errors.ts";
import type { Session } from "../../sessions/session.ts";

/** What a client saw of a session when it sent a message. */
export interface ExpectedLeaf {
  /** The last message that it shows, null for none; undefined if it does not care. */
  readonly expectedLeafEntryId?: string | null | undefined;
  readonly sessionId?: string | undefined;
}

/**
 * Throws `bad_request` if the message would continue another branch than the one its sender sees. Newer messages on the same
 * branch are fine if the sender names the session's id, which every change of branch renews.
 */
export function checkLeaf(session: Session | undefined, { expectedLeafEntryId: leaf, sessionId }: ExpectedLeaf): void {
  if (leaf === undefined) return;
  const messages = session?.messages ?? [];
  const isSameSession = sessionId === undefined || sessionId === session?.record.sessionId;
  const isLast = (messages.at(-1)?.id ?? null) === leaf;
  const isBehind = leaf === null || (sessionId !== undefined && messages.some(({ id }) => id === leaf));
  if (isSameSession && (isLast || isBehind)) return;
  const details = { reason: "active-leaf-changed" };
  throw new GatewayError("bad_request", "this conversation has changed meanwhile: look at it and send again", {
    details,
  });
}
