import type { TranscriptMessage } from "../../../core/ports/transcripts.ts";
import type { ClientSession } from "../clients/client-session.ts";
import type { Clients } from "../clients/clients.ts";
import { show } from "./history.ts";
import { AGENT_ID } from "./session-key.ts";
import type { SessionRow } from "./session-row.ts";

/** The reason of a session's change when one of its messages has had its turn. */
export const SETTLED = "agent.input.settled";

/** Says that the row comes with all rows above it. Without it the Control UI asks for the row, and for the list. */
const WITHOUT_ANCESTORS = { ancestorSessions: [] };

/** A message of a session as events and deltas name it. */
export const messageEnvelope = (sessionKey: string, message: TranscriptMessage) => ({
  sessionKey,
  agentId: AGENT_ID,
  message: show(message).message,
  messageId: message.id,
  messageSeq: message.seq,
});

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
    this.#changed(sessionKey, { reason, ...(runId !== undefined && { runId }) });
  }

  /** Tells of a message that waits for its turn. Its sender shows it anyway; the others then read it in the history. */
  waits(sessionKey: string, runId: string, sender: ClientSession): void {
    this.#changed(sessionKey, { reason: "send", runId }, (client) => client !== sender);
  }

  /**
   * Tells of a question: the clients that follow this session's messages get it with the session's row, the others that
   * follow the list get the row alone. Both would make the Control UI read the history twice.
   */
  asked(sessionKey: string, question: TranscriptMessage, runId: string): void {
    this.message(sessionKey, question);
    this.#changed(sessionKey, { reason: "send", runId }, (client) => !client.messagesOf.has(sessionKey));
  }

  /** Tells of an answer whose run is about to end: the row comes with that end. */
  answered(sessionKey: string, answer: TranscriptMessage): void {
    this.#message(sessionKey, answer, () => ({ hasActiveRun: true }));
  }

  /**
   * Tells of a run's end. Who follows the session's messages reads the history at its answer; the reason that the others
   * get would make it read the same again.
   */
  ended(sessionKey: string, runId: string): void {
    this.#changed(sessionKey, { phase: "end", runId }, (client) => client.messagesOf.has(sessionKey));
    this.#changed(sessionKey, { reason: SETTLED, runId }, (client) => !client.messagesOf.has(sessionKey));
  }

  /** Tells of a session that was read, or marked as unread: without a reason, at which the Control UI reads the models. */
  read(sessionKey: string): void {
    this.#changed(sessionKey, {});
  }

  #changed(sessionKey: string, what: object, wanting: (client: ClientSession) => boolean = () => true): void {
    const payload = () => {
      const session = this.#rowOf(sessionKey);
      return {
        sessionKey,
        agentId: AGENT_ID,
        ...what,
        ts: this.#now(),
        ...(session && { session }),
        ...WITHOUT_ANCESTORS,
      };
    };
    this.#clients.tellReaders("sessions.changed", payload, (client) => client.followsSessions && wanting(client));
  }

  /** Tells the clients that follow the list of sessions that its groups are others now. */
  groupsChanged(): void {
    const payload = () => ({ reason: "groups", ts: this.#now() });
    this.#clients.tellReaders("sessions.changed", payload, (client) => client.followsSessions);
  }

  /** Tells the clients that subscribed to this session's messages, with the session's row, which they would ask for. */
  message(sessionKey: string, message: TranscriptMessage): void {
    this.#message(sessionKey, message, () => ({ session: this.#rowOf(sessionKey) }));
  }

  #message(sessionKey: string, message: TranscriptMessage, about: () => object): void {
    const payload = () => ({ ...messageEnvelope(sessionKey, message), ...about(), ...WITHOUT_ANCESTORS });
    this.#clients.tellReaders("session.message", payload, (client) => client.messagesOf.has(sessionKey));
  }
}
