import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { FromWorker, Operations, ToWorker } from "./worker-program.ts";

/** After a thread that could not start, calls are rejected this long with its reason: starting one costs 30 ms of CPU. */
const RESTART_MS = 1_000;

const ENDED = "its thread ended";

/** The program of a worker thread: the file of this name beside `moduleUrl`, in the same language (.ts or built .js). */
export const workerFile = (name: string, moduleUrl: string): URL =>
  new URL(`./${name}${extname(moduleUrl)}`, moduleUrl);

interface ChannelOptions {
  /** A program that calls `serve`. */
  readonly program: URL;
  /** The program's `workerData`. */
  readonly data: unknown;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

/**
 * Calls the operations of a worker thread. A thread that died takes its unanswered calls with it, and the next call
 * starts another. An unanswered call may have taken effect, so it is never repeated here.
 */
export class WorkerChannel<Offered extends Operations<Offered>> {
  readonly #program: URL;
  readonly #data: unknown;
  readonly #now: () => number;
  readonly #unanswered = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;
  /** The start of the thread that runs or will. */
  #started: Promise<void> | undefined;
  /** The thread, once it answers. */
  #worker: Worker | undefined;
  /** Why no thread starts, and until when none is tried. */
  #failure: { readonly reason: unknown; readonly until: number } | undefined;

  constructor({ program, data, now = () => performance.now() }: ChannelOptions) {
    this.#program = program;
    this.#data = data;
    this.#now = now;
  }

  /** Starts the thread, unless it runs. Rejects with the reason it cannot. */
  async start(): Promise<void> {
    if (this.#failure && this.#now() < this.#failure.until) throw this.#failure.reason;
    this.#started ??= this.#launch();
    await this.#started;
  }

  /** Resolves with the operation's result. Rejects with what it threw, or when the thread ends first or cannot start. */
  async call<Name extends keyof Offered>(
    name: Name,
    ...args: Parameters<Offered[Name]>
  ): Promise<ReturnType<Offered[Name]>> {
    await this.start();
    if (!this.#worker) throw new Error(ENDED);
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#unanswered.set(id, answer);
    this.#worker.postMessage({ id, call: { name, args } } satisfies ToWorker<Offered>);
    return (await answer.promise) as ReturnType<Offered[Name]>;
  }

  /** Lets the thread answer what it was asked, then ends it; terminates it after `ms`. A later call starts another. */
  async close(ms: number): Promise<void> {
    await this.#started?.catch(() => {});
    const worker = this.#worker;
    if (!worker) return;
    const ended = once(worker, "exit");
    worker.postMessage("close" satisfies ToWorker<Offered>);
    const timer = setTimeout(() => void worker.terminate(), ms);
    await ended;
    clearTimeout(timer);
  }

  async #launch(): Promise<void> {
    try {
      // Throws where the system allows no further thread.
      const worker = new Worker(this.#program, { workerData: this.#data });
      await this.#ready(worker);
      this.#failure = undefined;
    } catch (reason) {
      this.#started = undefined;
      this.#failure = { reason, until: this.#now() + RESTART_MS };
      throw reason;
    }
  }

  /** Resolves when the thread answers calls, rejects when it ends before. */
  #ready(worker: Worker): Promise<void> {
    return new Promise((resolve, reject) => {
      let cause: unknown = new Error(ENDED);
      // An error is always followed by the exit.
      worker.once("error", (error) => {
        cause = error;
      });
      worker.once("message", () => {
        worker.on("message", (message: FromWorker) => this.#answered(message));
        this.#worker = worker;
        resolve();
      });
      worker.once("exit", () => {
        reject(cause);
        if (this.#worker === worker) this.#ended(cause);
      });
    });
  }

  #ended(cause: unknown): void {
    this.#started = undefined;
    this.#worker = undefined;
    // The cause may quote what was in a call.
    for (const answer of this.#unanswered.values()) answer.reject(new Error(ENDED, { cause }));
    this.#unanswered.clear();
  }

  #answered({ id, outcome }: FromWorker): void {
    const answer = this.#unanswered.get(id);
    this.#unanswered.delete(id);
    if ("value" in outcome) answer?.resolve(outcome.value);
    else answer?.reject(outcome.failure);
  }
}
