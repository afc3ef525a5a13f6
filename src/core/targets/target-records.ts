import type { Code } from "../../../protocol/codes.ts";
import { BoundedMap } from "../kernel/bounded-map.ts";
import type { Observer } from "../ports/observer.ts";

/** Most targets recorded; callers may name any model of a route. */
const MAX_TARGETS = 1_000;

/** Answers whose first content is remembered, newest first to go last. */
const MAX_FIRST_CONTENTS = 128;

/** How a target answered since the start of the process. */
export interface TargetRecord {
  /** Attempts that ended well, or were cancelled after their answers had begun. */
  readonly answered: number;
  /** Attempts that failed, left ones included. */
  readonly failed: number;
  /** From a stream's open to its first content, of the newest answers, in milliseconds. */
  readonly firstContentMs: readonly number[];
  readonly lastFailure: { readonly code: Code; readonly at: number } | undefined;
}

/** What is known of a target's attempts: by the model's alias, the route, and the provider's name where there were several. */
export interface TargetName {
  readonly model: string | undefined;
  readonly route: string;
  readonly upstreamModel: string | undefined;
}

/** Counts what streams and their attempts came to, by target. Called once for each, at its end. */
export class TargetRecords implements Pick<Observer, "streamEnded" | "attemptLeft"> {
  readonly #wall: () => number;
  readonly #records = new BoundedMap<string, TargetRecord>(MAX_TARGETS);

  /** `wall`: the wall clock in milliseconds. */
  constructor(wall: () => number) {
    this.#wall = wall;
  }

  /** The record of a target; undefined if it was never called. */
  of(name: TargetName): TargetRecord | undefined {
    return this.#records.get(idOf(name));
  }

  streamEnded({ model, route, terminal }: Parameters<Observer["streamEnded"]>[0]): void {
    const { status, error, target, timing } = terminal;
    const { firstContentMs } = timing;
    const name = { model, route, upstreamModel: target?.model };
    if (status === "failed" && error) this.#failed(name, error.code);
    else if (firstContentMs !== undefined) this.#answered(name, firstContentMs);
  }

  attemptLeft({ model, route, upstreamModel, error }: Parameters<Observer["attemptLeft"]>[0]): void {
    this.#failed({ model, route, upstreamModel }, error.code);
  }

  #answered(name: TargetName, firstContentMs: number): void {
    const { answered, firstContentMs: earlier, ...record } = this.of(name) ?? NONE;
    const newest = [...earlier.slice(1 - MAX_FIRST_CONTENTS), firstContentMs];
    this.#records.set(idOf(name), { ...record, answered: answered + 1, firstContentMs: newest });
  }

  #failed(name: TargetName, code: Code): void {
    const { failed, ...record } = this.of(name) ?? NONE;
    this.#records.set(idOf(name), { ...record, failed: failed + 1, lastFailure: { code, at: this.#wall() } });
  }
}

const NONE: TargetRecord = { answered: 0, failed: 0, firstContentMs: [], lastFailure: undefined };

const idOf = ({ model, route, upstreamModel }: TargetName): string => JSON.stringify([model, route, upstreamModel]);
