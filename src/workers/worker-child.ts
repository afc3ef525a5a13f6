import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { FilesRead } from "../config/read-files.ts";
import type { StartRecord } from "../observe/log.ts";
import type { MetricValues } from "../observe/metrics.ts";
import type { Receiver } from "../transport/http/shared-port.ts";
import type { PrimaryCalls, WorkerCalls, WorkerReload } from "./calls.ts";
import { wholeLines } from "./lines.ts";
import { Link } from "./link.ts";
import { WorkerFailure } from "./worker-failure.ts";

/** How a process ended. */
export type End = { readonly code: number } | { readonly signal: string };

/** What a worker may ask of the process that started it, whichever worker it is. */
export type Shared = Pick<PrimaryCalls, "start" | "metrics" | "lines">;

/** What watching a worker needs. */
export interface WorkerChildParts {
  readonly number: number;
  /** Started with a pipe for its output, and a channel. */
  readonly child: ChildProcess;
  readonly shared: Shared;
  /** Gets each line of its log. */
  readonly line: (text: string) => void;
  /** It takes no more sockets. */
  readonly full: () => void;
  /** It was sent SIGTERM by somebody. */
  readonly terminated: () => void;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
}

/** A worker, as the process that started it sees it. */
export class WorkerChild implements Receiver {
  readonly number: number;
  readonly bornAt: number;
  /** Resolves when it serves. Rejects with WorkerFailure if it ends before. */
  readonly ready: Promise<StartRecord>;
  /** Resolves when it has ended and all that it wrote was read. */
  readonly ended: Promise<End>;
  readonly #child: ChildProcess;
  readonly #link: Link<WorkerCalls>;
  /** Sockets that are on their way, by number. */
  readonly #given = new Map<number, PromiseWithResolvers<void>>();
  #lastGiven = 0;
  #closed = 0;
  #isFull = false;
  #hasEnded = false;
  #failure: string | undefined;

  constructor({ number, child, shared, line, full, terminated, now }: WorkerChildParts) {
    this.number = number;
    this.bornAt = now();
    this.#child = child;
    const ready = Promise.withResolvers<StartRecord>();
    this.ready = ready.promise;
    const calls: PrimaryCalls = {
      ...shared,
      ready: (record) => ready.resolve(record),
      failed: (reason) => {
        this.#failure = reason;
      },
      taken: (socket) => this.#take(socket),
      closed: (count) => {
        this.#closed = count;
      },
      full: () => {
        this.#isFull = true;
        full();
      },
      terminated,
    };
    this.#link = new Link<WorkerCalls>(child, { ...calls });
    child.stdout?.on("data", wholeLines(line));
    this.ended = this.#end();
    void this.ended.then((end) => ready.reject(this.failureOf(end)));
    // For whoever awaits it; nobody has to.
    this.ready.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get open(): number {
    return this.#lastGiven - this.#closed;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether it takes no more sockets. */
  get isFull(): boolean {
    return this.#isFull || this.#hasEnded;
  }

  /** Why it could not serve. */
  failureOf(end: End): WorkerFailure {
    const how = "code" in end ? `exit code ${end.code}` : end.signal;
    return new WorkerFailure(this.#failure ?? `worker ${this.number} ended before it served: ${how}`);
  }

  give(socket: Socket): Promise<void> {
    if (this.#hasEnded) return Promise.reject(new WorkerFailure("the worker has ended"));
    const number = ++this.#lastGiven;
    const given = Promise.withResolvers<void>();
    this.#given.set(number, given);
    this.#link.tell("socket", number, socket);
    return given.promise;
  }

  /** Its metrics; undefined when it does not answer within `waitMs`, or has ended. */
  measure(waitMs: number): Promise<MetricValues | undefined> {
    return this.#link.ask("measure", null, waitMs);
  }

  /** How it took another configuration; undefined when it does not answer within `waitMs`, or has ended. */
  reload(files: FilesRead, waitMs: number): Promise<WorkerReload | undefined> {
    return this.#link.ask("reload", files, waitMs);
  }

  stop(reason: string): void {
    this.#link.tell("stop", reason);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #take(number: number): void {
    this.#given.get(number)?.resolve();
    this.#given.delete(number);
  }

  async #end(): Promise<End> {
    let end: End = { code: 1 };
    try {
      // After its last message: its channel has ended, too. (There is no `disconnect` while a socket is on its way.)
      const [code, signal] = await once(this.#child, "close");
      end = typeof code === "number" ? { code } : { signal: String(signal) };
    } catch (error) {
      // It could not be started.
      this.#failure = String(error);
    }
    this.#hasEnded = true;
    this.#link.close();
    for (const { reject } of this.#given.values()) reject(new WorkerFailure("the worker has ended"));
    this.#given.clear();
    return end;
  }
}
