import type { UsageRequest } from "../dialect/dialect.ts";
import type { Target } from "../dialect/routing.ts";
import { isObject, type JsonObject } from "../kernel/json.ts";
import type { Amendment } from "../ports/upstream.ts";

/** Statuses of a rejected parameter: 400 from OpenAI, 422 from servers that validate a schema (FastAPI). */
const REFUSALS: ReadonlySet<number> = new Set([400, 422]);

/** Long enough that refused tries are rare, short enough that an updated server is soon asked again. */
const REMEMBERED_MS = 600_000;

/** Bounds the memory, since callers may name any model. */
const MOST_REMEMBERED = 1_000;

/** Remembers, by route and model, which upstreams recently refused to be asked for the usage of a stream. */
export class UsageRefusals {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  /** `now` reads a clock, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether the upstream of this request may be asked for the usage. `asked` is the caller's body. */
  mayAsk(target: Target, asked: JsonObject): boolean {
    return (this.#until.get(keyOf(target, asked)) ?? 0) <= this.#now();
  }

  /** What to send if the upstream refuses this request because it asks for the usage. `asked` is the caller's body. */
  amendment(usage: UsageRequest, target: Target, asked: JsonObject): Amendment {
    const key = keyOf(target, asked);
    return {
      amend: (sent, { status, body: refusal }) =>
        REFUSALS.has(status) && usage.isRefusedBy(refusal) ? rewrite(sent, usage.without) : undefined,
      accepted: () => this.#remember(key),
    };
  }

  #remember(key: string): void {
    this.#until.delete(key);
    this.#until.set(key, this.#now() + REMEMBERED_MS);
    const [oldest] = this.#until.keys();
    if (this.#until.size > MOST_REMEMBERED && oldest !== undefined) this.#until.delete(oldest);
  }
}

const keyOf = ({ route, model }: Target, asked: JsonObject): string =>
  JSON.stringify([route.name, model?.upstreamModel ?? asked.model]);

/** ECMAScript 2026, in Node since 22; not in TypeScript's library yet. */
const { parse, rawJSON } = JSON as unknown as {
  parse(text: string, revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};

/** Changes a serialised body. Numbers keep their digits, even those that a JavaScript number cannot hold. */
function rewrite(text: string, change: (body: JsonObject) => JsonObject): string | undefined {
  const body = parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? rawJSON(source) : value,
  );
  return isObject(body) ? JSON.stringify(change(body)) : undefined;
}
