import type { Plan } from "../../support/upstreams/billing-upstream.ts";
import { saidWords } from "../../support/upstreams/billing-words.ts";

/** How a client treats one answer. */
export interface Turn {
  readonly plan: Plan;
  readonly model: string;
  /** After how many frames it stops the answer; undefined: never. */
  readonly stopAfter: number | undefined;
  /** After how many frames it reads nothing for some time; undefined: never. */
  readonly restAfter: number | undefined;
}

const ENDS = [
  "complete",
  "complete",
  "complete",
  "complete",
  "complete",
  "no_usage",
  "truncate",
  "reset",
  "refuse",
] as const;
/** Models of each lane or chat, which take turns: so a row belongs to one request at a time. */
const MODELS_EACH = 8;

/** The models that a lane or chat with this name uses. */
export const modelsOf = (name: string): readonly string[] =>
  Array.from({ length: MODELS_EACH }, (_, at) => `${name}-${at}`);

/** Plans of one lane or chat. */
export class Plans {
  readonly #name: string;
  readonly #random: () => number;
  #turns = 0;

  constructor(name: string, random: () => number) {
    this.#name = name;
    this.#random = random;
  }

  /** The next plan for a conversation of these texts. */
  next(texts: readonly string[]): Turn {
    const chance = (share: number) => this.#random() < share;
    const below = (limit: number) => Math.floor(this.#random() * limit);
    const turn = this.#turns++;
    const events = 1 + below(chance(0.1) ? 400 : 60);
    const large = chance(0.05);
    const end = ENDS[below(ENDS.length)] ?? "complete";
    return {
      plan: {
        key: `${this.#name}#${turn}`,
        inputTokens: Math.ceil(texts.join("").length / 4),
        cacheReadTokens: 0,
        eventTokens: Array.from({ length: events }, () => 1 + below(large ? 500 : 5)),
        end,
        callsTool: end === "complete" && chance(0.15),
        paceMs: chance(0.3) ? 0 : 1 + below(8),
      },
      model: modelsOf(this.#name)[turn % MODELS_EACH] ?? "",
      stopAfter: chance(0.12) ? 1 + below(events) : undefined,
      restAfter: large || chance(0.08) ? 1 + below(events) : undefined,
    };
  }

  /** Something a user says. */
  prompt(): string {
    return `${this.#name} ${this.#turns} ${"word".repeat(1 + Math.floor(this.#random() * 40))}`;
  }
}

/** The text of a whole answer. */
export const wholeText = ({ eventTokens }: Plan): string =>
  eventTokens.map((tokens, at) => saidWords(at + 1, tokens)).join("");

/** Whether the upstream ends an answer as its dialect does. */
export const endsWell = ({ end }: Plan): boolean => end === "complete" || end === "no_usage";
