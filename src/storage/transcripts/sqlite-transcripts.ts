import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Transcripts } from "../../core/ports/transcripts.ts";
import { workerFile } from "../sqlite/worker-file.ts";
import type { Call } from "./sqlite-database.ts";
import type { FromWorker, ToWorker } from "./sqlite-worker.ts";

/**
 * Sessions and transcripts in `sluice.db` in this directory, which is made when it is missing. Rejects with
 * `store_unavailable` when it cannot be used.
 */
export async function openSqliteTranscripts(options: { readonly directory: string }): Promise<Transcripts> {
  const worker = new Worker(workerFile("sqlite-worker", import.meta.url), { workerData: options.directory });
  try {
    await once(worker, "message");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GatewayError("store_unavailable", `the store in ${options.directory} cannot be used: ${reason}`, {
      cause,
    });
  }
  return new WorkerTranscripts(worker);
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: GatewayError) => void;
}

/** The port, spoken to a worker that is ready. Exported so that a test can give it a worker that dies. */
export class WorkerTranscripts implements Transcripts {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  #lastId = 0;
  /** Why no further call can succeed. */
  #gone: GatewayError | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (message: FromWorker) => this.#settle(message));
    // An error is always followed by the exit.
    worker.on("error", (cause) => {
      this.#gone ??= new GatewayError("store_unavailable", undefined, { cause });
    });
    this.#ended = new Promise((resolve) => {
      worker.once("exit", () => {
        this.#failAll();
        resolve();
      });
    });
  }

  sessions: Transcripts["sessions"] = () => this.#call({ name: "sessions", args: [] });
  saveSession: Transcripts["saveSession"] = (...args) => this.#call({ name: "saveSession", args });
  deleteSession: Transcripts["deleteSession"] = (...args) => this.#call({ name: "deleteSession", args });
  messages: Transcripts["messages"] = (...args) => this.#call({ name: "messages", args });
  append: Transcripts["append"] = (...args) => this.#call({ name: "append", args });
  clear: Transcripts["clear"] = (...args) => this.#call({ name: "clear", args });

  /** Everything asked for before is committed first. */
  close(): Promise<void> {
    if (!this.#gone) {
      this.#gone = new GatewayError("store_unavailable", "the store is closed");
      this.#worker.postMessage("close" satisfies ToWorker);
    }
    return this.#ended;
  }

  #call<Value>(call: Call): Promise<Value> {
    if (this.#gone) return Promise.reject(this.#gone);
    return new Promise<Value>((resolve, reject) => {
      const id = ++this.#lastId;
      this.#worker.postMessage({ id, call } satisfies ToWorker);
      this.#pending.set(id, { resolve: (value) => resolve(value as Value), reject });
    });
  }

  #settle({ id, outcome }: FromWorker): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if ("value" in outcome) pending?.resolve(outcome.value);
    else pending?.reject(new GatewayError("store_unavailable", undefined, { cause: outcome.failure }));
  }

  #failAll(): void {
    this.#gone ??= new GatewayError("store_unavailable");
    for (const { reject } of this.#pending.values()) reject(this.#gone);
    this.#pending.clear();
  }
}
