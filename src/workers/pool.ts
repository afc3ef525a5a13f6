import type { StartRecord, WorkerEnd } from "../observe/log.ts";
import { Backoff } from "./backoff.ts";
import type { WorkerChild } from "./worker-child.ts";
import { WorkerFailure } from "./worker-failure.ts";

/** What keeping workers needs. */
export interface PoolParts {
  readonly workers: number;
  /** Starts the worker of this number. */
  readonly spawn: (number: number) => WorkerChild;
  /** Called once a worker serves, before it takes sockets. It is killed if this rejects. */
  readonly prepare: (worker: WorkerChild) => Promise<void>;
  /** More workers take sockets than before. */
  readonly joined: () => void;
  /** A worker has ended, but was to go on. */
  readonly lost: (end: WorkerEnd) => void;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

/** Keeps as many workers running as there are to be, until it stops. */
export class Pool {
  readonly #parts: PoolParts;
  /** Those that exist, by number. */
  readonly #workers = new Map<number, WorkerChild>();
  /** Those that take another configuration, and those of them that serve. */
  readonly #ready = new Set<WorkerChild>();
  readonly #running = new Set<WorkerChild>();
  readonly #waits = new Set<NodeJS.Timeout>();
  #isStarted = false;
  #isStopping = false;

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** Those that serve. */
  get running(): readonly WorkerChild[] {
    return [...this.#running];
  }

  /** Those that serve, and those that are being prepared to. */
  get ready(): readonly WorkerChild[] {
    return [...this.#ready];
  }

  /** Those that take sockets: none before all are there, so that the first to be ready does not get them all. */
  get receivers(): readonly WorkerChild[] {
    return this.#isStarted ? this.running.filter(({ isFull }) => !isFull) : [];
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Starts all workers. Rejects, with all of them ended, with the first one's WorkerFailure. */
  async start(): Promise<StartRecord> {
    const numbers = Array.from({ length: this.#parts.workers }, (_, index) => index + 1);
    try {
      const begun = numbers.map((number) => this.#begin(number));
      const [record] = await Promise.all(begun.map(({ serving }) => serving));
      if (!record) throw new WorkerFailure("there are no workers");
      // Even if it has ended while others were still starting.
      for (const { worker } of begun) this.#keep(worker, new Backoff());
      this.#isStarted = true;
      this.#parts.joined();
      return record;
    } catch (error) {
      this.#isStopping = true;
      this.kill();
      await Promise.all([...this.#workers.values()].map(({ ended }) => ended));
      throw error;
    }
  }

  /** Stops all workers. Resolves with the numbers of those that had to be killed after `limitMs`. */
  async stop(reason: string, limitMs: number): Promise<readonly number[]> {
    this.#isStopping = true;
    for (const wait of this.#waits) clearTimeout(wait);
    for (const worker of this.#workers.values()) {
      if (this.#running.has(worker)) worker.stop(reason);
      else worker.kill();
    }
    const killed: number[] = [];
    const late = setTimeout(() => {
      killed.push(...this.#workers.keys());
      this.kill();
    }, limitMs);
    await Promise.all([...this.#workers.values()].map(({ ended }) => ended));
    clearTimeout(late);
    return killed;
  }

  /** Ends all workers at once. */
  kill(): void {
    for (const worker of this.#workers.values()) worker.kill();
  }

  /** Starts a worker; `serving` rejects, with the worker ended, if it cannot serve. Throws when no process can be started. */
  #begin(number: number): { readonly worker: WorkerChild; readonly serving: Promise<StartRecord> } {
    const worker = this.#parts.spawn(number);
    this.#workers.set(number, worker);
    void worker.ended.then(() => {
      this.#ready.delete(worker);
      this.#running.delete(worker);
      if (this.#workers.get(number) === worker) this.#workers.delete(number);
    });
    const serving = this.#serving(worker);
    // Whoever awaits it learns it; nobody may, when another one cannot even be started.
    serving.catch(() => {});
    return { worker, serving };
  }

  async #serving(worker: WorkerChild): Promise<StartRecord> {
    const record = await worker.ready;
    const exists = () => this.#workers.get(worker.number) === worker;
    if (exists()) this.#ready.add(worker);
    try {
      await this.#parts.prepare(worker);
    } catch (error) {
      worker.kill();
      throw error;
    }
    if (exists()) this.#running.add(worker);
    this.#parts.joined();
    return record;
  }

  /** Replaces a worker when it ends, and its successors. */
  #keep(worker: WorkerChild, backoff: Backoff): void {
    void worker.ended.then(async (end) => {
      const uptimeMs = this.#parts.now() - worker.bornAt;
      const reason = await worker.ready.then(
        () => undefined,
        (error: Error) => error.message,
      );
      this.#replace(worker.number, { end, uptimeMs, reason }, backoff);
    });
  }

  #replace(number: number, life: Omit<WorkerEnd, "worker" | "replacedInMs">, backoff: Backoff): void {
    if (this.#isStopping) return;
    const replacedInMs = backoff.after(life.uptimeMs);
    this.#parts.lost({ worker: number, replacedInMs, ...life });
    const wait = setTimeout(() => {
      this.#waits.delete(wait);
      try {
        this.#keep(this.#begin(number).worker, backoff);
      } catch (error) {
        this.#replace(number, { end: { code: 1 }, uptimeMs: 0, reason: String(error) }, backoff);
      }
    }, replacedInMs);
    this.#waits.add(wait);
  }
}
