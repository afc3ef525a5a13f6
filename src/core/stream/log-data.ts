import type { ByteString } from "../kernel/byte-string.ts";
import { BlockBytes } from "./block-bytes.ts";
import type { LogMemory } from "./log-memory.ts";

/** Data moves out of the heap when there is this much, in bytes: fewer and larger moves cost less. */
const MOVED_BYTES = 4_096;

/**
 * The data of a log's entries, numbered from 1. The newest stay the strings they came as, slices of an upstream's read. At its
 * end they move out of the heap together, so that no collection finds that read alive. Without a memory all stay strings.
 */
export class LogData {
  readonly #memory: LogMemory | undefined;
  /** Where the entries from `#base` on end, in bytes since the first; the first number is where the one after `#base` begins. */
  #ends: number[] = [0];
  #base = 0;
  #dropped = 0;
  #count = 0;
  #blocks: BlockBytes | undefined;
  /** The newest entries, those that are in no block, from index `#freshStart`. */
  #fresh: ByteString[] = [];
  #freshStart = 0;
  #freshBytes = 0;
  /** Whether they move at the end of this read. */
  #isMoving = false;

  constructor(memory: LogMemory | undefined) {
    this.#memory = memory;
  }

  /** Keeps the data of the next entry. */
  push(data: ByteString): void {
    this.#count++;
    this.#ends.push(this.#endOf(this.#count - 1) + data.length);
    this.#fresh.push(data);
    this.#freshBytes += data.length;
    if (this.#memory && this.#freshBytes >= MOVED_BYTES && !this.#isMoving) this.#moveSoon(this.#memory);
  }

  /** An entry's data; undefined if it was dropped or has not come. */
  at(number: number): ByteString | undefined {
    if (number <= this.#dropped || number > this.#count) return undefined;
    const fresh = this.#freshStart + number - this.#firstFresh;
    if (fresh >= this.#freshStart) return this.#fresh[fresh];
    return this.#blocks?.read(this.#endOf(number - 1), this.#endOf(number));
  }

  /** The size of an entry that was not dropped, in bytes. */
  bytesOf(number: number): number {
    return this.#endOf(number) - this.#endOf(number - 1);
  }

  /** Drops the entries up to this one. */
  dropTo(number: number): void {
    this.#blocks?.dropTo(this.#endOf(number));
    for (let fresh = this.#firstFresh; fresh <= number; fresh++) {
      this.#freshBytes -= this.bytesOf(fresh);
      this.#fresh[this.#freshStart++] = "";
    }
    this.#dropped = number;
    this.#compact();
  }

  /** No more will come: what is kept must not hold more than itself. */
  settle(): void {
    if (this.#memory && this.#blocks) this.#move(this.#memory);
  }

  /** The number of the oldest entry that is in no block. */
  get #firstFresh(): number {
    return this.#count - this.#fresh.length + this.#freshStart + 1;
  }

  #endOf(number: number): number {
    return this.#ends[number - this.#base] ?? 0;
  }

  #moveSoon(memory: LogMemory): void {
    this.#isMoving = memory.afterRead(() => this.#move(memory));
    if (!this.#isMoving) this.#move(memory);
  }

  #move(memory: LogMemory): void {
    this.#isMoving = false;
    if (this.#fresh.length === 0) return;
    this.#blocks ??= new BlockBytes(memory, this.#endOf(this.#firstFresh - 1));
    this.#blocks.append(this.#fresh.join(""));
    this.#fresh = [];
    this.#freshStart = 0;
    this.#freshBytes = 0;
  }

  /** Shortens the lists once most of them, or all, is dropped. */
  #compact(): void {
    if (isMostlyDead(this.#freshStart, this.#fresh.length)) {
      this.#fresh = this.#fresh.slice(this.#freshStart);
      this.#freshStart = 0;
    }
    const dead = this.#dropped - this.#base;
    if (!isMostlyDead(dead, this.#ends.length - 1)) return;
    this.#ends = this.#ends.slice(dead);
    this.#base = this.#dropped;
  }
}

const isMostlyDead = (dead: number, all: number): boolean =>
  dead > 0 && (dead === all || (dead > 64 && dead * 2 > all));
