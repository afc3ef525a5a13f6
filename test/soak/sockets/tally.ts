import type { BilledRequest, Plan } from "../../support/upstreams/billing-upstream.ts";

type Counted =
  | "turns"
  | "whole"
  | "cut"
  | "resumed"
  | "resumed too late"
  | "read twice"
  | "stopped"
  | "refused by a cap"
  | "continued"
  | "sent again"
  | "warm-ups"
  | "tool turns"
  | "read slowly";

/** What the clients of both faces saw, and what was wrong with it. */
export class Tally {
  readonly faults: string[] = [];
  /** The keys of answers that a client has received whole. */
  readonly whole = new Set<string>();
  /** The gateway's names of streams by the plan's key, where the protocol tells. */
  readonly streams = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #expected = new Map<string, string>();

  count(what: Counted, face: string): void {
    const name = `${face}: ${what}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  fault(key: string, what: string): void {
    this.faults.push(`${new Date().toISOString()} ${key}: ${what}`);
  }

  /** The conversation, text by text, that the upstream is to receive under this key. */
  expect({ key }: Plan, texts: readonly string[]): void {
    this.#expected.set(key, texts.join("|"));
  }

  /** Compares a request of the upstream with the conversation that its client meant. */
  look({ plan, ...body }: BilledRequest): void {
    const got = textsOf(body.input ?? body.messages).join("|");
    const expected = this.#expected.get(plan.key);
    this.#expected.delete(plan.key);
    if (expected === undefined) this.fault(plan.key, "was asked a second time");
    else if (got !== expected) this.fault(plan.key, `conversation of ${got.length}, not ${expected.length} characters`);
  }
}

const TEXTS = ["content", "text", "arguments", "output", "tool_calls", "function"] as const;

/** All texts of a conversation, in order, in whichever API's form. */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== "object" || value === null) return [];
  return TEXTS.flatMap((name) => textsOf((value as Record<string, unknown>)[name]));
}
