import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Outcome } from "./service.ts";

/** A message to a service: a call, or none to open it only. */
export interface Request {
  readonly id: number;
  /** The address of the service's module. */
  readonly program: string;
  /** What its `open` gets, if the service is not open. */
  readonly data: unknown;
  readonly call: { readonly name: string; readonly args: never[] } | undefined;
}

/** A message to a thread: for a service, the end of one, or the end of all. */
export type ToThread = Request | { readonly id: number; readonly closes: string } | "close";

/** What came of a request; `unopened`: why its service cannot be opened. */
export type Answer = Outcome | { readonly unopened: unknown };

/** A message from a thread. */
export interface FromThread {
  readonly id: number;
  readonly outcome: Answer;
}

/** How long a thread may take to end whose services were closed before. */
const DISPOSE_MS = 1_000;

const ENDED = "its thread ended";

/** The file of this name beside `moduleUrl`, in the same language (.ts or built .js). */
export const fileBeside = (name: string, moduleUrl: string): URL =>
  new URL(`./${name}${extname(moduleUrl)}`, moduleUrl);

const PROGRAM = fileBeside("thread-worker", import.meta.url);

/**
 * A worker thread that runs services: 60 ms of CPU and 14 MB, whether for one or for several. It starts with the first
 * request. When it dies, it takes its services and the unanswered requests with it, and the next request starts another.
 */
export class WorkerThread implements AsyncDisposable {
  readonly #unanswered = new Map<number, PromiseWithResolvers<Answer>>();
  #lastId = 0;
  #worker: Worker | undefined;

  /** Rejects when the thread ends before it answers. An unanswered request may have taken effect, so it is never repeated. */
  async ask(request: Omit<Request, "id">): Promise<Answer> {
    try {
      // Throws where the system allows no further thread.
      this.#worker ??= this.#launch();
    } catch (unopened) {
      return { unopened };
    }
    return this.#post(this.#worker, (id) => ({ ...request, id }));
  }

  /** Closes one service once it has answered; gives up after `ms`. A later request opens it again. */
  async end(program: string, ms: number): Promise<void> {
    if (!this.#worker) return;
    const ended = this.#post(this.#worker, (id) => ({ id, closes: program })).catch(() => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([ended, promise]);
    clearTimeout(timer);
  }

  /** Lets the services answer what they were asked, closes them and ends the thread; terminates it after `ms`. */
  async close(ms: number): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const ended = once(worker, "exit");
    worker.postMessage("close" satisfies ToThread);
    const timer = setTimeout(() => void worker.terminate(), ms);
    await ended;
    clearTimeout(timer);
  }

  /** Ends the thread once its services are closed. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close(DISPOSE_MS);
  }

  #post(worker: Worker, message: (id: number) => ToThread): Promise<Answer> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<Answer>();
    this.#unanswered.set(id, answer);
    worker.postMessage(message(id));
    return answer.promise;
  }

  #launch(): Worker {
    const worker = new Worker(PROGRAM);
    let cause: unknown = new Error(ENDED);
    // An error is always followed by the exit.
    worker.once("error", (error) => {
      cause = error;
    });
    worker.on("message", ({ id, outcome }: FromThread) => {
      this.#unanswered.get(id)?.resolve(outcome);
      this.#unanswered.delete(id);
    });
    worker.once("exit", () => this.#ended(cause));
    return worker;
  }

  #ended(cause: unknown): void {
    this.#worker = undefined;
    // The cause may quote what was in a call.
    for (const answer of this.#unanswered.values()) answer.reject(new Error(ENDED, { cause }));
    this.#unanswered.clear();
  }
}
