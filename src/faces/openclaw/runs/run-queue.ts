import { GatewayError } from "../../../core/kernel/errors.ts";
import type { ClientSession } from "../clients/client-session.ts";
import { contentBytes } from "../sessions/content-bytes.ts";
import type { KeptMessages } from "./kept-messages.ts";
import type { Run } from "./run.ts";
import { messageFingerprint, RunRecord, type RunRecords } from "./run-records.ts";
import type { RunRequest } from "./run-request.ts";
import type { Runner } from "./runner.ts";

/** A message that waits for the run before it. */
export interface QueuedMessage {
  readonly request: RunRequest;
  readonly record: RunRecord;
  /** Wall clock in milliseconds. */
  readonly acceptedAt: number;
}

/** One session's runs: one is active, the others wait in order. */
interface SessionQueue {
  active: Run | undefined;
  waiting: QueuedMessage[];
}

/** The most that fit into the `pendingInputs` of a history. */
const MAX_WAITING = 20;

/** What a queue of runs is made of. */
export interface RunQueueParts {
  readonly runner: Runner;
  readonly records: RunRecords;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  /** Throws when there is no memory for that many more bytes. */
  readonly checkRoom: (bytes: number) => void;
  /** Keeps waiting messages for the next start; without it, the end of the gateway is theirs. */
  readonly kept?: KeptMessages | undefined;
  /** Whether kept messages wait: for the next start, because the gateway has begun to stop, or for whoever serves next. */
  readonly isHeldBack: () => boolean;
}

/** Accepts messages and runs them one at a time in each session, each idempotency key once. */
export class RunQueue {
  readonly #parts: RunQueueParts;
  readonly #queues = new Map<string, SessionQueue>();
  /** Memory of all waiting messages. */
  #waitingBytes = 0;
  #stopping = false;

  constructor(parts: RunQueueParts) {
    this.#parts = parts;
  }

  /**
   * Queues a message, or finds the record of the earlier request with its key. `pump` starts it, so that the caller can
   * reply first. `admit` counts a new message and may throw. Throws `bad_request` for a key that was used for something
   * else, `too_many_streams`, `overloaded` and `shutting_down`.
   */
  accept(request: RunRequest, admit: () => void): { readonly record: RunRecord; readonly fresh: boolean } {
    const { runId, session } = request;
    const { records, checkRoom, now, kept } = this.#parts;
    const fingerprint = messageFingerprint(session, request.content, request.caller, request.upstreamKey);
    const earlier = records.find(runId, session, fingerprint);
    if (earlier) return { record: earlier, fresh: false };
    if (this.#stopping) throw new GatewayError("shutting_down");
    if (this.waiting(session.key).length >= MAX_WAITING) {
      throw new GatewayError("too_many_streams", "too many messages wait in this session");
    }
    const bytes = contentBytes(request.content);
    checkRoom(this.#waitingBytes + bytes);
    admit();
    const record = new RunRecord(runId, session.key, fingerprint);
    const acceptedAt = now();
    // One that starts at once is stored as the question of its run.
    if (this.runIds(session.key).length > 0) kept?.keep(request, acceptedAt);
    this.#add({ request, record, acceptedAt });
    return { record, fresh: true };
  }

  /** Takes back a message that waited when the gateway ended, unless its run had begun. `resume` starts them. */
  restore(request: RunRequest, acceptedAt: number): void {
    const { runId, session, content } = request;
    if (session.branches.all.some((message) => message.runId === runId && message.role === "user")) {
      this.#parts.kept?.forget(runId);
      return;
    }
    const record = new RunRecord(runId, session.key, messageFingerprint(session, content));
    this.#add({ request, record, acceptedAt });
  }

  /** Starts the runs of restored messages. */
  resume(): void {
    for (const key of [...this.#queues.keys()]) this.pump(key, true);
  }

  /** Starts the next run unless one is active. `late` says that it had to wait for another. */
  pump(key: string, late = false): void {
    const queue = this.#queues.get(key);
    const { kept, isHeldBack, runner } = this.#parts;
    if (!queue || queue.active || this.#stopping || (kept && isHeldBack())) return;
    const next = queue.waiting.shift();
    if (!next) {
      this.#queues.delete(key);
      return;
    }
    queue.active = runner.prepare(next.request, next.record, () => {
      queue.active = undefined;
      // After the ended run has sent its last events.
      queueMicrotask(() => this.pump(key, true));
    });
    runner.begin(queue.active, next.request, late);
    // On disk until its question is, with the beginning of its answer.
    this.#left([next], next.request.session.written);
  }

  /** Active runs and waiting messages of all sessions. */
  get counts(): { readonly active: number; readonly waiting: number } {
    const queues = [...this.#queues.values()];
    return {
      active: queues.filter(({ active }) => active !== undefined).length,
      waiting: queues.reduce((sum, { waiting }) => sum + waiting.length, 0),
    };
  }

  /** The active run of a session. */
  active(key: string): Run | undefined {
    return this.#queues.get(key)?.active;
  }

  /** The waiting messages of a session, oldest first. */
  waiting(key: string): readonly QueuedMessage[] {
    return this.#queues.get(key)?.waiting ?? [];
  }

  /** Whether a message waits for its turn. */
  isWaiting(key: string, runId: string): boolean {
    return this.waiting(key).some(({ record }) => record.runId === runId);
  }

  /** Ids of the active run and of the waiting ones, in order. */
  runIds(key: string): readonly string[] {
    const active = this.active(key);
    return [...(active ? [active.id] : []), ...this.waiting(key).map(({ record }) => record.runId)];
  }

  /**
   * Stops one run, or without `runId` all of the session, the waiting ones first. Returns the ids of the runs that it
   * stopped: none if the run is over or unknown.
   */
  abort(key: string, runId?: string): readonly string[] {
    const queue = this.#queues.get(key);
    if (!queue) return [];
    const isMeant = (id: string) => runId === undefined || id === runId;
    const dropped = queue.waiting.filter(({ record }) => isMeant(record.runId));
    queue.waiting = queue.waiting.filter((waiting) => !dropped.includes(waiting));
    this.#left(dropped);
    for (const { request, record } of dropped) this.#parts.runner.drop(request, record);
    const { active } = queue;
    if (!active || !isMeant(active.id)) return dropped.map(({ record }) => record.runId);
    active.cancel(new GatewayError("cancelled"));
    return [...dropped.map(({ record }) => record.runId), active.id];
  }

  /** Stops the active run of a session; the next one starts. */
  interrupt(key: string): void {
    this.active(key)?.cancel(new GatewayError("cancelled"));
  }

  /** Sends all active runs to a new client. */
  join(client: ClientSession): void {
    for (const { active } of this.#queues.values()) active?.watch(client);
  }

  /** Forgets a client that has gone. */
  leave(client: ClientSession): void {
    for (const { active } of this.#queues.values()) active?.unwatch(client);
  }

  /** Ends all runs: active ones keep their partial answers. Waiting messages are kept, or else stored as unanswered. */
  close(reason: GatewayError): void {
    this.#stopping = true;
    for (const queue of this.#queues.values()) {
      queue.active?.cancel(reason);
      if (this.#parts.kept) continue;
      const waiting = queue.waiting.splice(0);
      this.#left(waiting);
      for (const { request, record } of waiting) this.#parts.runner.interrupt(request, record, reason);
    }
  }

  #add(message: QueuedMessage): void {
    const { session, content } = message.request;
    this.#waitingBytes += contentBytes(content);
    this.#parts.records.add(message.record);
    this.#queueOf(session.key).waiting.push(message);
  }

  /** Gives back the memory and the disk of messages that have left the queue. */
  #left(messages: readonly QueuedMessage[], written?: Promise<void>): void {
    for (const { request } of messages) {
      this.#waitingBytes -= contentBytes(request.content);
      this.#parts.kept?.forget(request.runId, written);
    }
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
