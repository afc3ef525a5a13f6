import type { ByteString } from "../kernel/byte-string.ts";

/** A piece of memory outside of the heap, as a log uses it: a Node `Buffer` is one. */
export interface LogBlock {
  /** Writes as many of the bytes as fit after `at`. Returns how many that are. */
  write(bytes: ByteString, at: number, encoding: "latin1"): number;
  /** The bytes from `from` up to `to`. */
  toString(encoding: "latin1", from: number, to: number): ByteString;
}

/**
 * Memory for logs outside of the heap, which the garbage collector would otherwise copy and walk, in blocks of one size. A log
 * gives back each block that it took, and does not touch it afterwards: it becomes another log's.
 */
export interface LogMemory {
  readonly blockBytes: number;
  take(): LogBlock;
  giveBack(block: LogBlock): void;
  /** Runs `work` at the end of the upstream's current read; returns false, and does nothing, outside of reads. */
  afterRead(work: () => void): boolean;
}
