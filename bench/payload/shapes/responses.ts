import type { Shape } from "../shape.ts";
import { noise, VARIETY, wordOf } from "./words.ts";

const response = (status: string, output: string, usage: string): string =>
  `{"id":"resp_0c1fa2e47b<key>","object":"response","created_at":1790000000,"status":"${status}","background":false,` +
  `"error":null,"incomplete_details":null,"model":"gpt-5.1-2025-11-13","output":[${output}],"store":false,"usage":${usage}}`;
const message = (status: string, content: string): string =>
  `{"id":"msg_0c1fa2e47b<key>","type":"message","status":"${status}","content":[${content}],"role":"assistant"}`;
const part = (text: string): string => `{"type":"output_text","annotations":[],"logprobs":[],"text":"${text}"}`;
const at = '"item_id":"msg_0c1fa2e47b<key>","output_index":0,"content_index":0';

const USAGE =
  '{"input_tokens":10,"input_tokens_details":{"cached_tokens":0},"output_tokens":<count>,' +
  '"output_tokens_details":{"reasoning_tokens":0},"total_tokens":<count>}';

/** OpenAI's Responses API: named and numbered events, in each its text and an `obfuscation` of its own. */
export const responses: Shape = {
  api: "responses",
  variety: VARIETY,
  // A number of eight digits must not begin with a zero.
  head: `{"type":"response.output_text.delta","sequence_number":1<seq>,${at},"delta":"`,
  text: wordOf,
  tail: (variant, text) => `","logprobs":[],"obfuscation":"${noise(variant, 16 - (text.length % 16))}"}`,
  leadIn: [
    `{"type":"response.created","sequence_number":0,"response":${response("in_progress", "", "null")}}`,
    `{"type":"response.in_progress","sequence_number":1,"response":${response("in_progress", "", "null")}}`,
    `{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":${message("in_progress", "")}}`,
    `{"type":"response.content_part.added","sequence_number":3,${at},"part":${part("")}}`,
  ],
  ending: [
    `{"type":"response.output_text.done","sequence_number":200000001,${at},"text":"all","logprobs":[]}`,
    `{"type":"response.content_part.done","sequence_number":200000002,${at},"part":${part("all")}}`,
    '{"type":"response.output_item.done","sequence_number":200000003,"output_index":0,' +
      `"item":${message("completed", part("all"))}}`,
    '{"type":"response.completed","sequence_number":200000004,' +
      `"response":${response("completed", message("completed", part("all")), USAGE)}}`,
  ],
};
