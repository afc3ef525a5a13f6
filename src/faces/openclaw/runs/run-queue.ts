import { GatewayError } from "../../../core/kernel/errors.ts";
import type { ClientSession } from "../clients/client-session.ts";
import { contentBytes } from "../sessions/content-bytes.ts";
import type { Run } from "./run.ts";
import { messageFingerprint, RunRecord, type RunRecords } from "./run-records.ts";
import type { RunRequest } from "./run-request.ts";
import type { Runner } from "./runner.ts";

/** A message whose turn has not come. */
export interface QueuedMessage {
  readonly request: RunRequest;
  readonly record: RunRecord;
  /** Wall clock in milliseconds. */
  readonly acceptedAt: number;
}

/** One session's runs: at most one goes on, the others wait in the order in which they came. */
interface SessionQueue {
  active: Run | undefined;
  waiting: QueuedMessage[];
}

/** More would not fit into the `pendingInputs` of a history. */
const MAX_WAITING = 20;

/** Accepts messages and runs them one after the other in each session, each key once. */
export class RunQueue {
  readonly #runner: Runner;
  readonly #records: RunRecords;
  readonly #now: () => number;
  readonly #checkRoom: (bytes: number) => void;
  readonly #queues = new Map<string, SessionQueue>();
  /** What the messages take whose turn has not come. */
  #waitingBytes = 0;
  #stopping = false;

  /** `now` is the wall clock in milliseconds; `checkRoom` throws when there is no memory for so many bytes more. */
  constructor(runner: Runner, records: RunRecords, now: () => number, checkRoom: (bytes: number) => void) {
    this.#checkRoom = checkRoom;
    this.#runner = runner;
    this.#records = records;
    this.#now = now;
  }

  /**
   * Takes a message on, or finds the record of the earlier request with this key. It begins with `pump`, so that the
   * caller can answer first. `admit` is asked about a message that is taken on and may throw. Throws `bad_request` for a
   * key that stood for something else, and `overloaded`.
   */
  accept(request: RunRequest, admit: () => void): { readonly record: RunRecord; readonly fresh: boolean } {
    const { runId, session } = request;
    const fingerprint = messageFingerprint(session, request.content, request.caller, request.upstreamKey);
    const earlier = this.#records.find(runId, session, fingerprint);
    if (earlier) return { record: earlier, fresh: false };
    if (this.#stopping) throw new GatewayError("shutting_down");
    if (this.waiting(session.key).length >= MAX_WAITING) {
      throw new GatewayError("too_many_streams", "too many messages wait in this session");
    }
    const bytes = contentBytes(request.content);
    this.#checkRoom(this.#waitingBytes + bytes);
    admit();
    this.#waitingBytes += bytes;
    const record = new RunRecord(runId, session.key, fingerprint);
    this.#records.add(record);
    this.#queueOf(session.key).waiting.push({ request, record, acceptedAt: this.#now() });
    return { record, fresh: true };
  }

  /** Begins the next run when none goes on. `late` says that it had to wait for another. */
  pump(key: string, late = false): void {
    const queue = this.#queues.get(key);
    if (!queue || queue.active || this.#stopping) return;
    const next = queue.waiting.shift();
    if (!next) {
      this.#queues.delete(key);
      return;
    }
    this.#left([next]);
    queue.active = this.#runner.prepare(next.request, next.record, () => {
      queue.active = undefined;
      // Not before the ended run has said everything about itself.
      queueMicrotask(() => this.pump(key, true));
    });
    this.#runner.begin(queue.active, next.request, late);
  }

  /** Runs that go on and messages that wait, in all sessions. */
  get counts(): { readonly active: number; readonly waiting: number } {
    const queues = [...this.#queues.values()];
    return {
      active: queues.filter(({ active }) => active !== undefined).length,
      waiting: queues.reduce((sum, { waiting }) => sum + waiting.length, 0),
    };
  }

  active(key: string): Run | undefined {
    return this.#queues.get(key)?.active;
  }

  waiting(key: string): readonly QueuedMessage[] {
    return this.#queues.get(key)?.waiting ?? [];
  }

  /** Ids of the run that goes on and of those that wait. */
  runIds(key: string): readonly string[] {
    const active = this.active(key);
    return [...(active ? [active.id] : []), ...this.waiting(key).map(({ record }) => record.runId)];
  }

  /**
   * Stops one run, or all of the session: those that wait first. Returns the ids of what was stopped; for a run that is
   * over or unknown there is nothing to do.
   */
  abort(key: string, runId?: string): readonly string[] {
    const queue = this.#queues.get(key);
    if (!queue) return [];
    const isMeant = (id: string) => runId === undefined || id === runId;
    const dropped = queue.waiting.filter(({ record }) => isMeant(record.runId));
    queue.waiting = queue.waiting.filter((waiting) => !dropped.includes(waiting));
    this.#left(dropped);
    for (const { request, record } of dropped) this.#runner.drop(request, record);
    const { active } = queue;
    if (!active || !isMeant(active.id)) return dropped.map(({ record }) => record.runId);
    active.cancel(new GatewayError("cancelled"));
    return [...dropped.map(({ record }) => record.runId), active.id];
  }

  /** Stops what goes on in a session; what waits takes its turn. */
  interrupt(key: string): void {
    this.active(key)?.cancel(new GatewayError("cancelled"));
  }

  /** A client came: it watches everything that goes on. */
  join(client: ClientSession): void {
    for (const { active } of this.#queues.values()) active?.watch(client);
  }

  leave(client: ClientSession): void {
    for (const { active } of this.#queues.values()) active?.unwatch(client);
  }

  /** Ends everything: what goes on keeps its partial answer, what waits is stored as not answered. */
  close(reason: GatewayError): void {
    this.#stopping = true;
    for (const queue of this.#queues.values()) {
      queue.active?.cancel(reason);
      const waiting = queue.waiting.splice(0);
      this.#left(waiting);
      for (const { request, record } of waiting) this.#runner.interrupt(request, record, reason);
    }
  }

  /** These messages wait no more. */
  #left(messages: readonly QueuedMessage[]): void {
    for (const { request } of messages) this.#waitingBytes -= contentBytes(request.content);
  }

  #queueOf(key: string): SessionQueue {
    let queue = this.#queues.get(key);
    if (!queue) {
      queue = { active: undefined, waiting: [] };
      this.#queues.set(key, queue);
    }
    return queue;
  }
}
