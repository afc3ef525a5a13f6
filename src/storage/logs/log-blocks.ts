import type { LogBlock, LogMemory } from "../../core/log/log-memory.ts";
import type { ReadTurn } from "../../core/stream/read-turn.ts";

/** Large enough that a thousand events take twenty blocks, small enough that the half-empty last one of a log does not count. */
const BLOCK_BYTES = 16_384;

/** Free blocks that are kept for the next logs, 16 MiB: what sixteen full logs give back. More than that go to the system. */
const MAX_FREE = 1_024;

/** Memory for logs in buffers that are used again: left to the collector, it would find them long after their logs are gone. */
export class LogBlocks implements LogMemory {
  readonly blockBytes = BLOCK_BYTES;
  readonly #reads: ReadTurn;
  readonly #free: LogBlock[] = [];
  #taken = 0;

  constructor(reads: ReadTurn) {
    this.#reads = reads;
  }

  /** The blocks that logs hold now. */
  get taken(): number {
    return this.#taken;
  }

  take(): LogBlock {
    this.#taken++;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  giveBack(block: LogBlock): void {
    this.#taken--;
    if (this.#free.length < MAX_FREE) this.#free.push(block);
  }

  afterRead(work: () => void): boolean {
    return this.#reads.after(work);
  }
}
