import type { ScriptedExchange } from "./scripted-upstream.ts";

type Event = readonly [name: string, value: Readonly<Record<string, unknown>>];

/** An answer in Anthropic's words: 10 tokens in, 5 out. */
const START: Event = ["message_start", { message: { usage: { input_tokens: 10, output_tokens: 1 } } }];
const TEXT: Event = ["content_block_delta", { index: 0, delta: { type: "text_delta", text: "Hello" } }];
const FINISH: Event = ["message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 5 } }];
const STOP: Event = ["message_stop", {}];

function send(exchange: ScriptedExchange, events: readonly Event[]): ScriptedExchange {
  for (const [type, value] of events) exchange.event({ type, ...value }, type);
  return exchange;
}

/** Two events: the start and some text. */
export const begin = (exchange: ScriptedExchange) => send(exchange, [START, TEXT]);
/** Two events: the reason and the terminal. */
export const stop = (exchange: ScriptedExchange) => send(exchange, [FINISH, STOP]);
/** The four events of a whole answer. */
export const whole = (exchange: ScriptedExchange) => stop(begin(exchange));

/** The usage of `begin`: input as reported, output from the text that was seen. */
export const PARTIAL = { source: "estimated", inputTokens: 10, outputTokens: 2 };
/** The usage of `whole`. */
export const COMPLETE = { source: "exact", inputTokens: 10, outputTokens: 5 };
