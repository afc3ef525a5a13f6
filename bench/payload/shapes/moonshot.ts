import type { Shape } from "../shape.ts";
import { VARIETY, wordOf } from "./words.ts";

const CHUNK =
  '{"id":"chatcmpl-68f1a2c40b9e77d0<key>","object":"chat.completion.chunk","created":17<key>,"model":"kimi-k3",';
const delta = (fields: string, rest = '"finish_reason":null}]}'): string =>
  `${CHUNK}"choices":[{"index":0,"delta":{${fields}},${rest}`;

/** Moonshot's Kimi: it reasons before it answers, and puts usage beside the last choice. */
export const moonshot: Shape = {
  api: "chat",
  variety: VARIETY,
  head: `${CHUNK}"choices":[{"index":0,"delta":{"content":"`,
  text: wordOf,
  tail: () => '"},"finish_reason":null}]}',
  leadIn: [
    delta('"role":"assistant","reasoning_content":""'),
    delta('"reasoning_content":"The user"'),
    delta('"reasoning_content":" wants a benchmark."'),
  ],
  ending: [
    delta(
      "",
      '"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":<count>,"total_tokens":<count>,' +
        '"cached_tokens":4}}',
    ),
    "[DONE]",
  ],
};
