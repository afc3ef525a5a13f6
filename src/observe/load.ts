import { GatewayError } from "../core/kernel/errors.ts";
import { type OpenFiles, usableFiles } from "./open-files.ts";

/** What load is judged by. */
export interface LoadParts {
  /** How late the event loop may run before new streams are refused. */
  readonly loopDelayMs: number;
  readonly loop: { quantileMs(share: number): number };
  /** Whose messages keep the loop busy. */
  readonly callers: { isHeavy(caller: string): boolean; readonly anyIsHeavy: boolean };
  /** Undefined where file descriptors cannot be counted. */
  readonly files: OpenFiles | undefined;
  /** Sockets of other listeners, such as that of the metrics. */
  readonly otherSockets?: number;
}

/** Descriptors kept from clients even before their first request, when there is nothing yet to refuse. */
const LAST_FILES = 32;

/** At this many times `loopDelayMs` every stream is refused: by default at a second, when a first token is hardly of use. */
const FAR_LATER = 5;

/** Retry-after in milliseconds, spread so that refused clients do not return together; loops recover within seconds. */
const comeBackMs = (): number => 1_000 + Math.floor(Math.random() * 4_000);

/** Load shedding, by the event loop's delay and the file descriptors in use. */
export class Load {
  readonly #parts: LoadParts;
  /** Descriptors in use at which new connections are refused. */
  readonly #enough: number;
  #counted = 0;
  #admitted = 0;

  constructor(parts: LoadParts) {
    this.#parts = parts;
    const { limit, atStart } = parts.files ?? { limit: Number.POSITIVE_INFINITY, atStart: 0 };
    this.#enough = usableFiles(limit);
    this.#counted = atStart;
  }

  /** Most client sockets, upgraded or not; beyond it new ones are closed without a response. */
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
      // No descriptor is left to count with.
      this.#counted = files.limit;
    }
    this.#admitted = 0;
  }

  /**
   * Throws `overloaded` when the event loop runs too late for another stream of this caller. Callers that keep it busy
   * are refused first, others only at five times the delay, or when no caller's messages explain it.
   */
  admitStream(caller: string): void {
    const { loop, loopDelayMs, callers } = this.#parts;
    const lateMs = loop.quantileMs(0.99);
    if (lateMs <= loopDelayMs) return;
    if (lateMs <= loopDelayMs * FAR_LATER && !callers.isHeavy(caller) && callers.anyIsHeavy) return;
    throw new GatewayError("overloaded", "the gateway is busy", {
      retryAfterMs: comeBackMs(),
      setting: "limits.streams.loopDelayMs",
    });
  }

  /** Throws `overloaded` when descriptors run short. Includes the connections admitted since the last count. */
  admitConnection(): void {
    if (this.#counted + this.#admitted >= this.#enough) {
      throw new GatewayError("overloaded", "too many files are open", {
        retryAfterMs: comeBackMs(),
        setting: "ulimit -n, LimitNOFILE",
      });
    }
    this.#admitted++;
  }
}
