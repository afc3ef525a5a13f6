import { type JsonObject, type JsonValue, jsonSize } from "../../../core/kernel/json.ts";
import { MAX_REPEATED_BYTES, ownFrame } from "./frames.ts";

/** What begins the id of a response that no provider made. */
const PREFIX = "resp_warmup_";

/** A new id for a warm-up. `unique`: unique in this process. */
export const warmUpId = (unique: string): string => `${PREFIX}${unique.replaceAll("-", "")}`;

/** Whether an id is one that this gateway, or another like it, made for a warm-up. */
export const isWarmUpId = (id: string): boolean => id.startsWith(PREFIX);

/**
 * The two frames that answer a warm-up: a response that is complete and empty. Its other fields are the request's own as far
 * as they are small, or the defaults of the API.
 */
export function warmUpFrames(
  lane: string | undefined,
  id: string,
  body: JsonObject,
  previousId: string | undefined,
  nowMs: number,
): readonly string[] {
  const seconds = Math.floor(nowMs / 1_000);
  const response = {
    ...DEFAULTS,
    ...repeated(body),
    id,
    object: "response",
    created_at: seconds,
    model: ifShort(body.model),
    previous_response_id: ifShort(previousId),
    output: [],
    usage: NO_TOKENS,
  };
  const frame = (type: string, sequence: number, state: object) =>
    ownFrame(lane, { type, sequence_number: sequence, response: { ...response, ...state } });
  return [
    frame("response.created", 0, { status: "in_progress", completed_at: null }),
    frame("response.completed", 1, { status: "completed", completed_at: seconds }),
  ];
}

const ifShort = (value: JsonValue | undefined): JsonValue => {
  return value === undefined || jsonSize(value) > MAX_REPEATED_BYTES ? null : value;
};

function repeated(body: JsonObject): JsonObject {
  const fields: [string, JsonValue][] = [];
  let left = MAX_REPEATED_BYTES;
  for (const name of Object.keys(DEFAULTS)) {
    const value = body[name];
    const bytes = jsonSize(value);
    if (value === undefined || value === null || bytes > left) continue;
    left -= bytes;
    fields.push([name, value]);
  }
  return Object.fromEntries(fields);
}

const NO_TOKENS = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
};

/** The fields that a response repeats from its request, with the API's defaults. */
const DEFAULTS = {
  background: false,
  error: null,
  frequency_penalty: 0,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  presence_penalty: 0,
  prompt_cache_key: null,
  reasoning: null,
  safety_identifier: null,
  service_tier: "default",
  store: true,
  temperature: 1,
  text: { format: { type: "text" } },
  tool_choice: "auto",
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: "disabled",
};
