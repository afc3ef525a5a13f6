import type { Shape } from "../shape.ts";

const CHUNK = '{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1767225600,"model":"bench",';

/** Chat chunks of which only the stamps differ: the easiest payload there is, and all there was before 2026-11-28. */
export const fixed: Shape = {
  api: "chat",
  variety: 1,
  head: `${CHUNK}"choices":[{"index":0,"delta":{"content":"`,
  text: () => " the quick brown fox jumps o",
  tail: () => '"},"finish_reason":null}]}',
  leadIn: [],
  ending: [
    `${CHUNK}"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
    `${CHUNK}"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":<count>,"total_tokens":<count>}}`,
    "[DONE]",
  ],
};
