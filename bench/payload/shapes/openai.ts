import type { Shape } from "../shape.ts";
import { noise, VARIETY, wordOf } from "./words.ts";

/** Text and obfuscation together fill a multiple of this many characters (OpenAI's streams as recorded in 2026). */
const OBFUSCATED_LENGTH = 16;

const obfuscation = (seed: number, text: string): string => noise(seed, OBFUSCATED_LENGTH - (text.length % 16));

/** What all chunks of one stream share; `id` and `created` are the two that a caller may let change. */
const chunk = (id: string, created: string): string =>
  `{"id":"chatcmpl-CnOzQKXGbMOfbnKWTf1mU${id}","object":"chat.completion.chunk","created":17${created},` +
  '"model":"gpt-5.1-2025-11-13","service_tier":"default","system_fingerprint":"fp_de604bd877",';

const opened = chunk("<key>", "<key>");
const around = (choices: string, usage: string, seed: number): string =>
  `${opened}"choices":[${choices}],"usage":${usage},"obfuscation":"${noise(seed, 8)}"}`;

const USAGE =
  '{"prompt_tokens":10,"completion_tokens":<count>,"total_tokens":<count>,' +
  '"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,' +
  '"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}';

/** OpenAI's chat completions: id and time of each stream, and in each event its text and an `obfuscation` of its own. */
export const openai: Shape = {
  api: "chat",
  variety: VARIETY,
  head: `${opened}"choices":[{"index":0,"delta":{"content":"`,
  text: wordOf,
  tail: (variant, text) =>
    `"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"${obfuscation(variant, text)}"}`,
  leadIn: [
    around(
      '{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}',
      "null",
      100,
    ),
  ],
  ending: [
    around('{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}', "null", 101),
    around("", USAGE, 102),
    "[DONE]",
  ],
};

/**
 * The same with an id and a time that change in every event, as some servers behind OpenAI's API send them: of the streams
 * recorded in 2026, GitHub Copilot's ids change with each event, and the times of xAI, Groq and Azure while a stream runs.
 */
export const restless: Shape = {
  ...openai,
  head: `${chunk("<seq>", "<seq>")}"choices":[{"index":0,"delta":{"content":"`,
};
