import type { Operations } from "./service.ts";
import { type Request, WorkerThread } from "./worker-thread.ts";

/** After a service that could not be opened, calls are rejected this long with its reason. */
const REOPEN_MS = 1_000;
/** How long a thread may take to end whose service could not be opened. */
const UNOPENED_MS = 1_000;

interface ChannelOptions {
  /** The module of a service. */
  readonly program: URL;
  /** What its `open` gets. */
  readonly data: unknown;
  /** The thread it runs in; by default its own. */
  readonly thread?: WorkerThread | undefined;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

/** Calls the operations of a service in a worker thread, which opens with the first call, and again when its thread died. */
export class WorkerChannel<Offered extends Operations<Offered>> {
  readonly #program: string;
  readonly #data: unknown;
  readonly #thread: WorkerThread;
  readonly #isShared: boolean;
  readonly #now: () => number;
  /** Why the service does not open, and until when it is not tried. */
  #failure: { readonly reason: unknown; readonly until: number } | undefined;

  constructor({ program, data, thread, now = () => performance.now() }: ChannelOptions) {
    this.#program = program.href;
    this.#data = data;
    this.#thread = thread ?? new WorkerThread();
    this.#isShared = thread !== undefined;
    this.#now = now;
  }

  /** Opens the service, unless it is open. Rejects with the reason it cannot, and ends a thread of its own then. */
  async start(): Promise<void> {
    try {
      await this.#ask(undefined);
    } catch (error) {
      await this.close(UNOPENED_MS);
      throw error;
    }
  }

  /** Resolves with the operation's result. Rejects with what it threw, or when the thread ends first or cannot start. */
  async call<Name extends keyof Offered>(
    name: Name,
    ...args: Parameters<Offered[Name]>
  ): Promise<ReturnType<Offered[Name]>> {
    return (await this.#ask({ name: String(name), args })) as ReturnType<Offered[Name]>;
  }

  /**
   * Lets the service answer what it was asked, then closes it. After `ms` it gives up a shared thread, and terminates its
   * own. A later call opens the service again.
   */
  close(ms: number): Promise<void> {
    return this.#isShared ? this.#thread.end(this.#program, ms) : this.#thread.close(ms);
  }

  async #ask(call: Request["call"]): Promise<unknown> {
    if (this.#failure && this.#now() < this.#failure.until) throw this.#failure.reason;
    const answer = await this.#thread.ask({ program: this.#program, data: this.#data, call });
    if ("unopened" in answer) {
      this.#failure = { reason: answer.unopened, until: this.#now() + REOPEN_MS };
      throw answer.unopened;
    }
    this.#failure = undefined;
    if ("failure" in answer) throw answer.failure;
    return answer.value;
  }
}
