import type { Delta, Dialect, Source } from "../../../src/core/dialect/dialect.ts";
import { parseJson } from "../../../src/core/kernel/json.ts";
import { mergeCounts, type TokenCounts } from "../../../src/core/usage/usage.ts";
import type { RecordedEvent } from "../recordings/corpus.ts";

/** The event a provider that names its events would send for these fields. */
export const named = (fields: { readonly type: string }): RecordedEvent => ({
  event: fields.type,
  data: JSON.stringify(fields),
});

/** The event of a provider that sends data only; a string is sent as it stands. */
export const unnamed = (data: unknown): RecordedEvent => ({
  event: undefined,
  data: typeof data === "string" ? data : JSON.stringify(data),
});

/** What one fresh decoder says about each event, asked as the relay asks it. */
export function interpret(dialect: Dialect, events: readonly RecordedEvent[]): Delta[] {
  const decoder = dialect.decoder();
  return events.map(({ event, data }) => decoder.read(event, parseJson(data), data));
}

const keyOf = (source: Source): string => (source.type === "url" ? source.url : source.id);
const firstOfEach = (sources: readonly Source[]): readonly Source[] =>
  sources.filter((source, at) => sources.findIndex((other) => keyOf(other) === keyOf(source)) === at);

/** A whole answer, put together from its deltas as a chat face does it. */
export function together(deltas: readonly Delta[]) {
  const calls = new Map<number, { id: string; name: string; arguments: string }>();
  let usage: TokenCounts = {};
  for (const delta of deltas) {
    if (delta.usage) usage = mergeCounts(usage, delta.usage);
    for (const piece of delta.toolCalls ?? []) {
      const call = calls.get(piece.index) ?? { id: "", name: "", arguments: "" };
      calls.set(piece.index, {
        id: call.id + (piece.id ?? ""),
        name: call.name + (piece.name ?? ""),
        arguments: call.arguments + (piece.arguments ?? ""),
      });
    }
  }
  return {
    text: deltas.map((delta) => delta.text ?? "").join(""),
    thinking: deltas.map((delta) => delta.thinking ?? "").join(""),
    calls: [...calls.values()],
    /** Each source once, by its address or id. */
    sources: firstOfEach(deltas.flatMap((delta) => delta.sources ?? [])),
    files: deltas.flatMap(({ files = [] }) => files),
    usage,
    finish: deltas.findLast((delta) => delta.finish !== undefined)?.finish,
    /** Index of the first event from which on the answer is whole; -1 when it is not. */
    wholeAt: deltas.reduce(
      (at, { complete }, index) => (complete === "open" ? -1 : complete && at < 0 ? index : at),
      -1,
    ),
  };
}
