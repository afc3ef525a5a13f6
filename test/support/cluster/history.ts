import { createWriteStream, mkdtempSync, readFileSync, type WriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * What one client did and saw, in the order of its doing. `at`: the wall clock, in milliseconds with their fractions. `isLeft`: on a
 * socket that the client has given up.
 */
export type Entry = { readonly at: number } & (
  | { readonly what: "open" | "resume"; readonly node: string; readonly after: number }
  | { readonly what: "opened"; readonly stream: string }
  | { readonly what: "resumed"; readonly after: number }
  | {
      readonly what: "event";
      /** The node that sent it. */
      readonly node: string;
      readonly seq: number;
      readonly data: string;
      readonly isLeft: boolean;
    }
  | {
      readonly what: "end";
      readonly status: string;
      readonly lastSeq: number;
      readonly code: string | undefined;
      readonly retryable: boolean | undefined;
      readonly source: string;
      readonly isLeft: boolean;
    }
  | {
      readonly what: "refused" | "detached";
      readonly code: string;
      readonly reason: string | undefined;
      readonly isLeft: boolean;
    }
  | { readonly what: "closed"; readonly code: number; readonly isLeft: boolean }
  | { readonly what: "silent" }
);

type WithoutTime<Each> = Each extends unknown ? Omit<Each, "at"> : never;

/** The wall clock, in milliseconds with their fractions: as the flood upstream stamps its events. */
export const wallClock = (): number => performance.timeOrigin + performance.now();

/** What one client did and saw, written to a file as it happens. */
export class History {
  readonly key: string;
  readonly #file: string;
  readonly #out: WriteStream;

  constructor(directory: string, key: string) {
    this.key = key;
    this.#file = join(directory, `${key}.jsonl`);
    this.#out = createWriteStream(this.#file);
  }

  /** Adds what happened now; nothing once it was read. */
  add(entry: WithoutTime<Entry>): void {
    if (!this.#out.writableEnded) this.#out.write(`${JSON.stringify({ at: wallClock(), ...entry })}\n`);
  }

  /** Closes the file and reads it. */
  async read(): Promise<readonly Entry[]> {
    await new Promise<void>((closed) => this.#out.end(closed));
    return readHistory(this.#file);
  }

  /** A history without a fault need not be kept. */
  forget(): Promise<void> {
    return rm(this.#file);
  }
}

/** The entries of a history's file. */
export const readHistory = (file: string): readonly Entry[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Entry);

/** A directory for histories: those with faults stay in it. */
export const historyDirectory = (): string => mkdtempSync(join(tmpdir(), "sluice-histories-"));
