import { setTimeout } from "node:timers/promises";
import type { Random } from "../../../src/demo/random.ts";
import { ask, type CappedAnswer } from "./capped-caller.ts";
import type { CappedKey, CappedRig } from "./capped-rig.ts";
import type { MeteredPlan } from "./metered-upstream.ts";

/** Between two requests of a caller, in milliseconds: on average. */
const REST_MS = 1_500;

/** Many callers that ask one request after the other, each with a key of its own, at random nodes. */
export class CappedCrowd {
  readonly answers: CappedAnswer[] = [];
  readonly #capped: CappedRig;
  readonly #random: Random;
  readonly #stop = new AbortController();
  readonly #callers: readonly Promise<void>[];
  #asked = 0;

  constructor(capped: CappedRig, keys: readonly CappedKey[], random: Random) {
    this.#capped = capped;
    this.#random = random;
    this.#callers = keys.map((key) => this.#live(key));
  }

  /** Asks no more. Resolves when all answers are over. */
  async finish(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#callers);
  }

  async #live(caller: CappedKey): Promise<void> {
    const { signal } = this.#stop;
    const rest = () => setTimeout(2 * REST_MS * this.#random(), undefined, { signal }).catch(() => {});
    for (await rest(); !signal.aborted; await rest()) {
      const { nodes } = this.#capped.rig.fleet;
      const node = nodes[Math.floor(this.#random() * nodes.length)];
      if (node) this.answers.push(await ask(node, { caller, ...this.#request(caller.name) }));
    }
  }

  #request(name: string): { readonly plan: MeteredPlan; readonly maxTokens: number | undefined } {
    const below = (limit: number) => Math.floor(this.#random() * limit);
    const plan: MeteredPlan = {
      key: `${name}.${this.#asked++}`,
      promptTokens: 60 + below(40),
      outputTokens: 1 + below(300),
      tokensPerEvent: 1 + below(20),
      paceMs: 1 + below(30),
    };
    return { plan, maxTokens: this.#random() < 0.5 ? undefined : 16 + below(400) };
  }
}
