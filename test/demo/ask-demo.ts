import { asObject, type JsonObject } from "../../src/core/kernel/json.ts";

export interface DemoEvent {
  readonly event: string | undefined;
  readonly data: string;
}

/** The three dialects by their path, and a body that puts one user message to each. */
export const DIALECTS = {
  anthropic: {
    path: "/v1/messages",
    body: (text: string): JsonObject => ({ max_tokens: 4096, messages: [{ role: "user", content: text }] }),
  },
  chat: {
    path: "/v1/chat/completions",
    body: (text: string): JsonObject => ({
      messages: [{ role: "user", content: text }],
      stream_options: { include_usage: true },
    }),
  },
  responses: { path: "/v1/responses", body: (text: string): JsonObject => ({ input: text }) },
} as const;

export type DialectName = keyof typeof DIALECTS;

/** Sends one prompt, with fields that replace those of the dialect's plain body. */
export function ask(url: string, dialect: DialectName, text: string, fields: JsonObject = {}, signal?: AbortSignal) {
  const { path, body } = DIALECTS[dialect];
  return fetch(url + path, {
    method: "POST",
    body: JSON.stringify({ model: "demo", stream: true, ...body(text), ...fields }),
    ...(signal && { signal }),
  });
}

/** The events of a whole SSE text, as the demo writes it. */
export const eventsOf = (text: string): DemoEvent[] =>
  text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => {
      const [, event, data = ""] = /^(?:event: (.*)\n)?data: (.*)$/s.exec(block) ?? [];
      return { event, data };
    });

export const askForEvents = async (url: string, dialect: DialectName, text: string, fields: JsonObject = {}) =>
  eventsOf(await (await ask(url, dialect, text, fields)).text());

/** The parsed data of events, `[DONE]` left out. */
export const valuesOf = (events: readonly DemoEvent[]): JsonObject[] =>
  events.filter(({ data }) => data !== "[DONE]").map(({ data }) => JSON.parse(data));

/** A field deep inside, by its path. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  let inner = value;
  for (const step of path) {
    inner = typeof step === "number" ? (Array.isArray(inner) ? inner.at(step) : undefined) : asObject(inner)?.[step];
  }
  return inner;
}
