import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Ledger, LedgerClosing, LedgerNews, LedgerOpening } from "../../core/ledger/ledger.ts";
import { closingWrite, type LedgerWrite, openingWrite } from "./ledger-rows.ts";

/** Makes rows durable. */
export interface LedgerWriter {
  /** Commits the rows and resolves with how many the tables refused. Rejects when nothing was committed. */
  write(rows: readonly LedgerWrite[]): Promise<number>;
}

/** What a spool needs. */
export interface SpoolOptions {
  readonly writer: LedgerWriter;
  /** Every open waits for its commit. */
  readonly strict: boolean;
  /** Rows that may wait in memory; beyond that, opens are refused. */
  readonly spoolRows: number;
  /** How long an open waits for its commit; a store silent for longer counts as unavailable. */
  readonly openWaitMs: number;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  readonly news: (news: LedgerNews) => void;
}

/** Rows per commit: cloning them for the thread blocks the event loop for about a millisecond. */
const BATCH_ROWS = 256;
/** A commit that takes longer is slow, and opens under caps then wait for theirs. A healthy disk takes 1 to 20 ms. */
const SLOW_MS = 250;
/** Between two commits no open waits for: each costs the event loop a message both ways, further rows cost little. */
const GATHER_MS = 20;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

interface Waiter {
  readonly resolve: () => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * Queues rows for the store: one batch is in flight at a time, rows that arrive meanwhile form the next (group commit),
 * and a failed batch is retried until it succeeds.
 */
export class LedgerSpool implements Pick<Ledger, "open" | "close" | "available"> {
  readonly #options: SpoolOptions;
  readonly #waiters = new Map<string, Waiter>();
  #waiting: LedgerWrite[] = [];
  #batch: readonly LedgerWrite[] = [];
  #sentAt = Number.NEGATIVE_INFINITY;
  #available = true;
  #retryMs = FIRST_RETRY_MS;
  /** Sends the next batch: after gathering rows, or when a failed batch is due for its retry. */
  #next: NodeJS.Timeout | undefined;
  #stall: NodeJS.Timeout | undefined;
  #emptied: () => void = () => {};
  #isStopping = false;
  #stopped = false;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** Whether rows are being committed. */
  get available(): boolean {
    return this.#available;
  }

  /** Rows not yet committed. */
  get rows(): number {
    return this.#waiting.length + this.#batch.length;
  }

  /**
   * Records an open. Returns a promise when the open must wait for its commit, which rejects with `ledger_unavailable`
   * after `openWaitMs`. `needed`: the row must not be lost, because a cap counts it. Throws `ledger_unavailable`.
   */
  open(row: LedgerOpening, needed: boolean): Promise<void> | undefined {
    const { strict, spoolRows, now } = this.#options;
    const must = strict || needed;
    if (this.#stopped || this.rows >= spoolRows || (must && !this.#available)) throw this.#unavailable();
    const isSlow = this.#batch.length > 0 && now() - this.#sentAt > SLOW_MS;
    this.#put(openingWrite(row));
    if (!strict && !(needed && isSlow)) return undefined;
    this.#hurry();
    return this.#committed(row.stream);
  }

  /** Records a stream's end. Never refused: the queue holds it however full it is. */
  close(row: LedgerClosing): void {
    this.#put(closingWrite(row));
  }

  /** Commits what waits, for at most `ms`, and stops. Resolves with how many rows were left. */
  async stop(ms: number): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    this.#isStopping = true;
    // Now, and again soon: a pause between two attempts may be as long as all of this.
    this.#retryMs = FIRST_RETRY_MS;
    clearTimeout(this.#next);
    queueMicrotask(() => this.#send());
    if (this.rows > 0) {
      await new Promise<void>((resolve) => {
        this.#emptied = resolve;
        timer = setTimeout(resolve, ms);
      });
    }
    this.#stopped = true;
    clearTimeout(timer);
    clearTimeout(this.#next);
    clearTimeout(this.#stall);
    return this.rows;
  }

  #unavailable(): GatewayError {
    return new GatewayError("ledger_unavailable", undefined, { retryAfterMs: this.#retryMs });
  }

  #committed(stream: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(stream);
        reject(this.#unavailable());
      }, this.#options.openWaitMs);
      this.#waiters.set(stream, { resolve, timer });
    });
  }

  #put(row: LedgerWrite): void {
    if (this.#stopped) return;
    this.#waiting.push(row);
    if (this.#waiting.length === 1 && this.#batch.length === 0) this.#gather();
  }

  /** Sends the waiting rows `GATHER_MS` after the last batch, or at the end of this turn if that has passed. */
  #gather(): void {
    const pauseMs = this.#sentAt + GATHER_MS - this.#options.now();
    if (pauseMs > 0) this.#next = setTimeout(() => this.#send(), pauseMs).unref();
    else queueMicrotask(() => this.#send());
  }

  /** Sends now, because an open waits. A failed batch still waits for its retry. */
  #hurry(): void {
    if (!this.#available) return;
    clearTimeout(this.#next);
    queueMicrotask(() => this.#send());
  }

  #send(): void {
    if (this.#stopped || this.#batch.length > 0 || this.#waiting.length === 0) return;
    const { writer, now, openWaitMs } = this.#options;
    this.#batch = this.#waiting.splice(0, BATCH_ROWS);
    this.#sentAt = now();
    this.#stall = setTimeout(() => this.#broken("it does not respond"), openWaitMs).unref();
    writer.write(this.#batch).then(
      (refused) => this.#written(refused),
      (error: unknown) => this.#failed(isNativeError(error) ? error.message : "an unknown failure"),
    );
  }

  #written(refused: number): void {
    clearTimeout(this.#stall);
    for (const { kind, values } of this.#batch) if (kind === "open") this.#resolve(String(values.stream));
    this.#batch = [];
    this.#retryMs = FIRST_RETRY_MS;
    if (!this.#available) {
      this.#available = true;
      this.#options.news({ kind: "available", rows: this.rows });
    }
    if (refused > 0) this.#options.news({ kind: "dropped", rows: refused });
    if (this.#waiting.length === 0) this.#emptied();
    else if (this.#waiters.size > 0 || this.#waiting.length >= BATCH_ROWS || this.#isStopping) this.#send();
    else this.#gather();
  }

  #resolve(stream: string): void {
    const waiter = this.#waiters.get(stream);
    this.#waiters.delete(stream);
    clearTimeout(waiter?.timer);
    waiter?.resolve();
  }

  #failed(reason: string): void {
    clearTimeout(this.#stall);
    this.#waiting = [...this.#batch, ...this.#waiting];
    this.#batch = [];
    this.#broken(reason);
    if (this.#stopped) return;
    this.#next = setTimeout(() => this.#send(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  #broken(reason: string): void {
    if (!this.#available) return;
    this.#available = false;
    this.#options.news({ kind: "unavailable", reason, rows: this.rows });
  }
}
