import type { Shape } from "../shape.ts";
import { noise, VARIETY, wordOf } from "./words.ts";

const SIGNATURE_LENGTH = 400;
const delta = (index: number, fields: string): string =>
  `{"type":"content_block_delta","index":${index},"delta":{${fields}}}`;
const thinking = (text: string): string => delta(0, `"type":"thinking_delta","thinking":"${text}"`);

/** Anthropic's messages: named events, a block of thinking, a ping, then the block of text; usage at both ends. */
export const anthropic: Shape = {
  api: "messages",
  variety: VARIETY,
  head: '{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"',
  text: wordOf,
  tail: () => '"}}',
  leadIn: [
    '{"type":"message_start","message":{"model":"claude-sonnet-4-6","id":"msg_01ERcBqAvLTHWQDk<key>","type":"message",' +
      '"role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"usage":{' +
      '"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{' +
      '"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard",' +
      '"inference_geo":"global"}}}',
    '{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}',
    '{"type":"ping"}',
    thinking("The user"),
    thinking(" wants a benchmark."),
    delta(0, `"type":"signature_delta","signature":"${noise(200, SIGNATURE_LENGTH)}"`),
    '{"type":"content_block_stop","index":0}',
    '{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}',
  ],
  ending: [
    '{"type":"content_block_stop","index":1}',
    '{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null},"usage":{' +
      '"input_tokens":10,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":<count>}}',
    '{"type":"message_stop"}',
  ],
};
