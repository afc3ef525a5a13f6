import { rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import type { Random } from "../../../src/demo/random.ts";
import type { Flood, FloodRecord } from "../upstreams/flood-upstream.ts";
import { checkHistory, checkUnanswered, type Outcome } from "./check-history.ts";
import type { Fleet } from "./fleet.ts";
import { type Entry, History, historyDirectory } from "./history.ts";
import { ResumingClient } from "./resuming-client.ts";

/** What a crowd of clients does. */
export interface CrowdParts {
  readonly fleet: Fleet;
  readonly random: Random;
  /** How many streams run at once: those whose node was lost no longer count. */
  readonly running: number;
  readonly flood: (key: string) => Flood;
  /** Mean number of events until a client cuts its own socket. */
  readonly cutEvery: number;
  /** After so many milliseconds without a frame a client reads on elsewhere. */
  readonly silenceMs: number;
  /** After so many milliseconds a client without an end gives up. */
  readonly patienceMs: number;
}

/** A stream of the crowd that is over for its client, and what was asked for. */
export interface Visit extends Outcome {
  readonly key: string;
  readonly flood: Flood;
  /** The life of the node that ran it; undefined if no open was answered. */
  readonly owner: string | undefined;
  /** When its end was told: wall clock, in milliseconds. */
  readonly endedAt: number | undefined;
  /** What the upstream wrote of it; undefined if it was never asked. */
  readonly record: FloodRecord | undefined;
  readonly history: readonly Entry[];
}

interface Member {
  readonly history: History;
  readonly flood: Flood;
  owner?: string;
}

/** How often it is looked whether enough streams run, in milliseconds. */
const LOOK_MS = 20;
const FULL_MS = 120_000;

/** Clients that keep a number of streams running, and write down what they see. */
export class Crowd {
  readonly #parts: CrowdParts;
  readonly #directory = historyDirectory();
  readonly #all: Member[] = [];
  readonly #live = new Map<Member, Promise<void>>();
  readonly #stop = new AbortController();
  readonly #keeping: Promise<void>;

  constructor(parts: CrowdParts) {
    this.#parts = parts;
    this.#keeping = this.#keep();
  }

  /** Streams that were accepted and whose node has not been lost. */
  get running(): number {
    return [...this.#live.keys()].filter(({ owner }) => owner !== undefined && !this.#isLost(owner)).length;
  }

  /** The node that runs the most of them; undefined if none runs. */
  get busiest(): string | undefined {
    const counts = new Map<string, number>();
    for (const { owner } of this.#live.keys())
      if (owner !== undefined && !this.#isLost(owner)) counts.set(owner, (counts.get(owner) ?? 0) + 1);
    return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
  }

  /** Resolves once all of its streams run. Rejects if they do not within two minutes. */
  async full(): Promise<void> {
    const until = performance.now() + FULL_MS;
    while (this.running < this.#parts.running) {
      if (performance.now() > until) throw new Error(`only ${this.running} streams run`);
      await setTimeout(LOOK_MS);
    }
  }

  /** Opens no more, and resolves when all that was opened is over. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await this.#keeping;
    await Promise.all(this.#live.values());
  }

  /** What each client saw, held against what the upstream wrote. Histories with faults stay on disk. */
  async check(records: Readonly<Record<string, FloodRecord>>, withinMs: number): Promise<readonly Visit[]> {
    const visits = await Promise.all(
      this.#all.map(async ({ history, flood, owner }): Promise<Visit> => {
        const entries = await history.read();
        const ownerLostAt = owner === undefined ? undefined : this.#parts.fleet.lostAt.get(owner);
        const record = records[flood.key];
        const found = checkHistory(entries, { flood, record, ownerLostAt, withinMs });
        const unanswered = checkUnanswered(entries, (node) => this.#isLost(node));
        const outcome = { ...found, faults: [...found.faults, ...unanswered] };
        if (outcome.faults.length === 0) await history.forget();
        const endedAt = entries.find(({ what }) => what === "end")?.at;
        return { ...outcome, key: flood.key, flood, owner, endedAt, record, history: entries };
      }),
    );
    if (visits.every(({ faults }) => faults.length === 0)) await rm(this.#directory, { recursive: true });
    return visits;
  }

  /** Where histories with faults are. */
  get directory(): string {
    return this.#directory;
  }

  #isLost(owner: string): boolean {
    return this.#parts.fleet.lostAt.has(owner);
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const without = [...this.#live.keys()].filter(({ owner }) => owner === undefined || !this.#isLost(owner));
      for (let count = without.length; count < this.#parts.running; count++) this.#begin();
      await setTimeout(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  }

  #begin(): void {
    const { fleet, random, flood, cutEvery, silenceMs, patienceMs } = this.#parts;
    const key = `k${this.#all.length}`;
    const member: Member = { history: new History(this.#directory, key), flood: flood(key) };
    this.#all.push(member);
    const client = new ResumingClient(member.flood, {
      ...{ random, cutEvery, silenceMs, history: member.history },
      nodes: () => fleet.nodes,
      signal: AbortSignal.timeout(patienceMs),
      opened: ({ name }) => {
        member.owner = name;
      },
    });
    this.#live.set(
      member,
      client.run().finally(() => this.#live.delete(member)),
    );
  }
}
