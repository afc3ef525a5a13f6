import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import type { Clients } from "../clients/clients.ts";
import { show } from "./history.ts";
import { AGENT_ID } from "./session-key.ts";
import type { SessionRow } from "./session-row.ts";

/** Tells subscribers about changes to sessions. */
export class SessionNews {
  readonly #clients: Clients;
  readonly #rowOf: (key: string) => SessionRow | undefined;
  readonly #now: () => number;

  /** `now` is the wall clock in milliseconds. */
  constructor(clients: Clients, rowOf: (key: string) => SessionRow | undefined, now: () => number) {
    this.#clients = clients;
    this.#rowOf = rowOf;
    this.#now = now;
  }

  /** Tells the clients that follow the list of sessions. */
  changed(sessionKey: string, reason: string, runId?: string): void {
    const payload = () => {
      const session = this.#rowOf(sessionKey);
      return {
        sessionKey,
        agentId: AGENT_ID,
        reason,
        ...(runId !== undefined && { runId }),
        ts: this.#now(),
        ...(session && { session }),
      };
    };
    this.#clients.tellReaders("sessions.changed", payload, (client) => client.followsSessions);
  }

  /** Tells the clients that follow the list of sessions that its groups are others now. */
  groupsChanged(): void {
    const payload = () => ({ reason: "groups", ts: this.#now() });
    this.#clients.tellReaders("sessions.changed", payload, (client) => client.followsSessions);
  }

  /** Tells the clients that subscribed to this session's messages. */
  message(sessionKey: string, message: TranscriptMessage): void {
    const payload = () => ({
      sessionKey,
      agentId: AGENT_ID,
      message: show(message).message,
      messageId: message.id,
      messageSeq: message.seq,
    });
    this.#clients.tellReaders("session.message", payload, (client) => client.messagesOf.has(sessionKey));
  }
}
