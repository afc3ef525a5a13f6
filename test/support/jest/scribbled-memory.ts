import type { LogBlock, LogMemory } from "../../../src/core/log/log-memory.ts";

/**
 * A memory of small blocks that overwrites what is given back, so that whoever still reads a block finds nonsense there. Throws
 * if a block comes back twice or was never taken.
 */
export class ScribbledMemory implements LogMemory {
  readonly blockBytes: number;
  readonly #taken = new Set<LogBlock>();
  readonly #waiting: (() => void)[] = [];
  isReading = false;

  constructor(blockBytes: number) {
    this.blockBytes = blockBytes;
  }

  /** The blocks that are taken and not given back. */
  get taken(): number {
    return this.#taken.size;
  }

  take(): LogBlock {
    const block = Buffer.alloc(this.blockBytes, "?");
    this.#taken.add(block);
    return block;
  }

  giveBack(block: LogBlock): void {
    if (!this.#taken.delete(block)) throw new Error("this block is not taken");
    block.write("!".repeat(this.blockBytes), 0, "latin1");
  }

  afterRead(work: () => void): boolean {
    if (this.isReading) this.#waiting.push(work);
    return this.isReading;
  }

  /** Ends a read: runs what waits for that. */
  endRead(): void {
    this.isReading = false;
    for (const work of this.#waiting.splice(0)) work();
  }
}
