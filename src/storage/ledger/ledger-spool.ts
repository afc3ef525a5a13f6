import { isNativeError } from "node:util/types";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Ledger, LedgerClosing, LedgerNews, LedgerOpening } from "../../core/ledger/ledger.ts";
import { closingWrite, type LedgerWrite, openingWrite } from "./ledger-rows.ts";

/** Where rows become durable. */
export interface LedgerWriter {
  /** Resolves when all are committed, with how many were refused for what is in them. Rejects when none is. */
  write(rows: readonly LedgerWrite[]): Promise<number>;
}

export interface SpoolOptions {
  readonly writer: LedgerWriter;
  /** Strict: every open waits for its commit. */
  readonly strict: boolean;
  /** Rows that may wait in memory before opens are refused. */
  readonly spoolRows: number;
  /** How long an open waits for its commit, and after which a silent store counts as broken; milliseconds. */
  readonly openWaitMs: number;
  readonly now: () => number;
  readonly news: (news: LedgerNews) => void;
}

/** Rows of one commit: sending them to the thread holds the event loop for about a millisecond. */
const BATCH_ROWS = 256;
/** From here on a commit is slow, and opens under caps wait for theirs. A healthy disk takes 1 to 20 ms. */
const SLOW_MS = 250;
/** Between two commits that nobody waits for: a commit costs the event loop a message each way, rows cost little. */
const GATHER_MS = 20;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;

interface Waiter {
  readonly resolve: () => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * What happens to rows while they cannot be written, in one place: they wait in order, one batch at a time is on its way,
 * what comes meanwhile is the next batch (group commit), and a batch that failed is tried again until it succeeds.
 */
export class LedgerSpool implements Pick<Ledger, "open" | "close" | "available"> {
  readonly #options: SpoolOptions;
  readonly #waiters = new Map<string, Waiter>();
  #waiting: LedgerWrite[] = [];
  #batch: readonly LedgerWrite[] = [];
  #sentAt = Number.NEGATIVE_INFINITY;
  #available = true;
  #retryMs = FIRST_RETRY_MS;
  /** When the next batch goes: rows gather, or a failed batch waits to be tried again. */
  #next: NodeJS.Timeout | undefined;
  #stall: NodeJS.Timeout | undefined;
  #emptied: () => void = () => {};
  #isStopping = false;
  #stopped = false;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  get available(): boolean {
    return this.#available;
  }

  /** Rows that are not committed yet. */
  get rows(): number {
    return this.#waiting.length + this.#batch.length;
  }

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

  close(row: LedgerClosing): void {
    this.#put(closingWrite(row));
  }

  /** Takes no more after so many milliseconds, or when nothing waits any more. Resolves with how many rows still do. */
  async stop(ms: number): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    this.#isStopping = true;
    this.#hurry();
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

  /** Sends what waits: rows of this turn together, and no sooner than a while after the last batch. */
  #gather(): void {
    const pauseMs = this.#sentAt + GATHER_MS - this.#options.now();
    if (pauseMs > 0) this.#next = setTimeout(() => this.#send(), pauseMs).unref();
    else queueMicrotask(() => this.#send());
  }

  /** Somebody waits for what waits. A batch that failed takes its time all the same. */
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
    this.#stall = setTimeout(() => this.#broken("it does not answer"), openWaitMs).unref();
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
