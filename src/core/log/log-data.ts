import type { ByteString } from "../kernel/byte-string.ts";
import { BlockBytes } from "./block-bytes.ts";
import type { LogMemory } from "./log-memory.ts";
import { Numbered } from "./numbered.ts";

/** Data moves out of the heap when there is this much, in bytes: fewer and larger moves cost less. */
const MOVED_BYTES = 4_096;

/**
 * The data of a log's entries, numbered one after another. What an upstream's read brings is joined to a string and
 * moves out of the heap at the end of that read, so that no collection finds it. Without a memory it stays that string.
 */
export class LogData {
  readonly #memory: LogMemory | undefined;
  /** Where entries end, in bytes since the first one began. */
  readonly #ends: Numbered<number>;
  /** Where the oldest that is not dropped begins, and where the newest ends. */
  #from = 0;
  #end = 0;
  #blocks: BlockBytes | undefined;
  /** The bytes that are in no block, and where they begin. An array of strings instead costs four times as much. */
  #fresh: ByteString = "";
  #freshFrom = 0;
  /** Whether they move at the end of this read. */
  #isMoving = false;

  /** `after`: the number before the first entry's. */
  constructor(memory: LogMemory | undefined, after: number) {
    this.#memory = memory;
    this.#ends = new Numbered(after);
  }

  /** Keeps the data of the next entry. */
  push(data: ByteString): void {
    this.#end += data.length;
    this.#ends.push(this.#end);
    this.#fresh += data;
    if (this.#memory && this.#fresh.length >= MOVED_BYTES && !this.#isMoving) this.#moveSoon(this.#memory);
  }

  /** An entry's data; undefined if it was dropped or has not come. */
  at(number: number): ByteString | undefined {
    const to = this.#ends.at(number);
    if (to === undefined) return undefined;
    const from = this.#startOf(number);
    if (from >= this.#freshFrom) return this.#fresh.slice(from - this.#freshFrom, to - this.#freshFrom);
    return this.#blocks?.read(from, to);
  }

  /** The size of an entry in bytes; 0 if it was dropped or has not come. */
  bytesOf(number: number): number {
    const to = this.#ends.at(number);
    return to === undefined ? 0 : to - this.#startOf(number);
  }

  /** Drops the entries up to this one. */
  dropTo(number: number): void {
    this.#from = this.#ends.at(number) ?? this.#from;
    this.#ends.dropTo(number);
    this.#blocks?.dropTo(this.#from);
    const freshBytes = this.#from - this.#freshFrom;
    // A little is dropped when it moves: not with each entry, because that would copy all of it.
    if (this.#from === this.#end || freshBytes > Math.max(MOVED_BYTES, this.#fresh.length / 2))
      this.#dropFresh(freshBytes);
  }

  /** No more will come: what is kept must not hold more than itself. */
  settle(): void {
    if (this.#memory && this.#blocks) this.#move(this.#memory);
  }

  #startOf(number: number): number {
    return this.#ends.at(number - 1) ?? this.#from;
  }

  #moveSoon(memory: LogMemory): void {
    this.#isMoving = memory.afterRead(() => this.#move(memory));
    if (!this.#isMoving) this.#move(memory);
  }

  #move(memory: LogMemory): void {
    this.#isMoving = false;
    this.#dropFresh(this.#from - this.#freshFrom);
    this.#blocks ??= new BlockBytes(memory, this.#freshFrom);
    this.#blocks.append(this.#fresh);
    this.#dropFresh(this.#fresh.length);
  }

  #dropFresh(bytes: number): void {
    if (bytes <= 0) return;
    this.#fresh = this.#fresh.slice(bytes);
    this.#freshFrom += bytes;
  }
}
