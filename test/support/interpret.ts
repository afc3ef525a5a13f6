import type { Delta, Dialect } from "../../src/core/dialect/dialect.ts";
import { parseJson } from "../../src/core/kernel/json.ts";
import { mergeCounts, type TokenCounts } from "../../src/core/usage/usage.ts";
import type { RecordedEvent } from "./corpus.ts";

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

/** A whole answer, put together from its meanings as a chat face does it. */
export function together(meanings: readonly Delta[]) {
  const calls = new Map<number, { id: string; name: string; arguments: string }>();
  let usage: TokenCounts = {};
  for (const delta of meanings) {
    if (delta.usage) usage = mergeCounts(usage, delta.usage);
    for (const delta of delta.toolCalls ?? []) {
      const call = calls.get(delta.index) ?? { id: "", name: "", arguments: "" };
      calls.set(delta.index, {
        id: call.id + (delta.id ?? ""),
        name: call.name + (delta.name ?? ""),
        arguments: call.arguments + (delta.arguments ?? ""),
      });
    }
  }
  return {
    text: meanings.map((delta) => delta.text ?? "").join(""),
    thinking: meanings.map((delta) => delta.thinking ?? "").join(""),
    calls: [...calls.values()],
    usage,
    finish: meanings.findLast((delta) => delta.finish !== undefined)?.finish,
    /** Index of the first event after which the answer is whole; -1 when it never is. */
    wholeAt: meanings.findIndex((delta) => delta.complete !== undefined),
  };
}
