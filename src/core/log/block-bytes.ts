import type { ByteString } from "../kernel/byte-string.ts";
import type { LogBlock, LogMemory } from "./log-memory.ts";

/** A queue of bytes in blocks that fill up one after another. Positions count from its first byte, dropped ones included. */
export class BlockBytes {
  readonly #memory: LogMemory;
  readonly #blocks: LogBlock[] = [];
  /** Where the first block begins. */
  #from: number;
  /** Where the bytes end. */
  #to: number;

  /** `at`: the position of the first byte. */
  constructor(memory: LogMemory, at: number) {
    this.#memory = memory;
    this.#from = this.#to = at;
  }

  append(bytes: ByteString): void {
    const { blockBytes } = this.#memory;
    for (let done = 0; done < bytes.length; ) {
      const within = (this.#to - this.#from) % blockBytes;
      if (within === 0) this.#blocks.push(this.#memory.take());
      const written = this.#blocks.at(-1)?.write(done === 0 ? bytes : bytes.slice(done), within, "latin1") ?? 0;
      done += written;
      this.#to += written;
    }
  }

  /** The bytes from `from` up to `to`, none of which may be dropped. */
  read(from: number, to: number): ByteString {
    const { blockBytes } = this.#memory;
    let bytes = "";
    for (let at = from - this.#from; at < to - this.#from; ) {
      const within = at % blockBytes;
      const end = Math.min(blockBytes, within + to - this.#from - at);
      bytes += this.#blocks[Math.floor(at / blockBytes)]?.toString("latin1", within, end) ?? "";
      at += end - within;
    }
    return bytes;
  }

  /** Drops the bytes before `position`, which may lie beyond the last: then the next one stands there. */
  dropTo(position: number): void {
    const { blockBytes } = this.#memory;
    const whole = position >= this.#to ? this.#blocks.length : Math.floor((position - this.#from) / blockBytes);
    // Asked with each entry that is dropped, but few of them are the last of a block.
    if (whole > 0) for (const block of this.#blocks.splice(0, whole)) this.#memory.giveBack(block);
    this.#from += whole * blockBytes;
    if (position >= this.#to) this.#from = this.#to = position;
  }
}
