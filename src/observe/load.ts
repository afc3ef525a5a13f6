import { GatewayError } from "../core/kernel/errors.ts";
import { type OpenFiles, usableFiles } from "./open-files.ts";

export interface LoadParts {
  /** How late the event loop may be, in milliseconds, before new streams are refused. */
  readonly loopDelayMs: number;
  readonly loop: { quantileMs(share: number): number };
  /** Whose messages take the loop's time. */
  readonly callers: { isHeavy(caller: string): boolean; readonly anyIsHeavy: boolean };
  /** Undefined where file descriptors cannot be counted. */
  readonly files: OpenFiles | undefined;
  /** Sockets that other listeners may take. */
  readonly otherSockets?: number;
}

/** Descriptors kept from clients even before their first request, when there is nothing yet to refuse. */
const LAST_FILES = 32;

/** So many times `loopDelayMs` everybody is refused: a second by default, within which first tokens still are some use. */
const FAR_LATER = 5;

/** Loops and sockets recover in seconds; clients that were refused come back spread over some. */
const comeBackMs = (): number => 1_000 + Math.floor(Math.random() * 4_000);

/** Whether this process can take more: how late its event loop is, and how many file descriptors are left. */
export class Load {
  readonly #parts: LoadParts;
  /** Descriptors in use at which no more connections are let in. */
  readonly #enough: number;
  #counted = 0;
  #admitted = 0;

  constructor(parts: LoadParts) {
    this.#parts = parts;
    const { limit, atStart } = parts.files ?? { limit: Number.POSITIVE_INFINITY, atStart: 0 };
    this.#enough = usableFiles(limit);
    this.#counted = atStart;
  }

  /** Sockets that clients may have, upgraded or not: beyond it they are closed unanswered. */
  get maxSockets(): number {
    const { files, otherSockets = 0 } = this.#parts;
    return files ? Math.max(1, files.limit - LAST_FILES - files.atStart - otherSockets) : Number.POSITIVE_INFINITY;
  }

  /** Counts the descriptors in use. Call it about once a second. */
  async count(): Promise<void> {
    const { files } = this.#parts;
    if (!files) return;
    try {
      this.#counted = await files.count();
    } catch {
      // Not even one more to count with.
      this.#counted = files.limit;
    }
    this.#admitted = 0;
  }

  /**
   * Throws `overloaded` when the event loop is too late for one more stream of this caller. Whoever keeps it busy is refused
   * first; the others only when it is far later, or nobody's messages explain it.
   */
  admitStream(caller: string): void {
    const { loop, loopDelayMs, callers } = this.#parts;
    const lateMs = loop.quantileMs(0.99);
    if (lateMs <= loopDelayMs) return;
    if (lateMs <= loopDelayMs * FAR_LATER && !callers.isHeavy(caller) && callers.anyIsHeavy) return;
    throw new GatewayError("overloaded", "the gateway is busy", { retryAfterMs: comeBackMs() });
  }

  /** Throws `overloaded` when descriptors run short. Those admitted since the last count are counted here. */
  admitConnection(): void {
    if (this.#counted + this.#admitted >= this.#enough) {
      throw new GatewayError("overloaded", "too many files are open", { retryAfterMs: comeBackMs() });
    }
    this.#admitted++;
  }
}
