/** Parameters of the methods that go back to a message of a conversation. */
import { closed, text } from "./closed.ts";

const session = { sessionKey: text, agentId: text.optional() };

export const SessionsBranchesListParams = closed(session);

export const SessionsBranchesSwitchParams = closed({ ...session, leafEntryId: text });

/** Of `sessions.rewind` and `sessions.fork`: a question of the active branch. */
export const SessionsEntryParams = closed({ ...session, entryId: text });
