/** The positions of the stamps in an event, as offsets from the start of its JSON. */
export interface EventLayout {
  /** The event with zeros for stamps, framed as SSE. */
  readonly sse: Buffer;
  readonly json: Buffer;
  readonly keyAt: number;
  readonly seqAt: number;
  readonly timeAt: number;
  /** What follows the stamps inside the content. */
  readonly pad: string;
}

export const KEY_DIGITS = 8;
export const SEQ_DIGITS = 8;
export const TIME_DIGITS = 15;
export const SSE_PREFIX = "data: ";
const SSE_SUFFIX = "\n\n";

const HEAD =
  '{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1767225600,"model":"bench",' +
  '"choices":[{"index":0,"delta":{"content":"';
const TAIL = '"},"finish_reason":null}]}';
const STAMPS = `${"0".repeat(KEY_DIGITS)}-${"0".repeat(SEQ_DIGITS)}-${"0".repeat(TIME_DIGITS)}`;
const WORDS = " the quick brown fox jumps over the lazy dog and runs away";

const BARE_BYTES = SSE_PREFIX.length + HEAD.length + STAMPS.length + TAIL.length + SSE_SUFFIX.length;

const layouts = new Map<number, EventLayout>();

/** The layout of events of this many bytes, or of the fewest that hold the stamps. */
export function layoutFor(bytes: number): EventLayout {
  let layout = layouts.get(bytes);
  if (!layout) {
    layout = makeLayout(Math.max(0, bytes - BARE_BYTES));
    layouts.set(bytes, layout);
  }
  return layout;
}

function makeLayout(padBytes: number): EventLayout {
  const pad = WORDS.repeat(Math.ceil(padBytes / WORDS.length)).slice(0, padBytes);
  const json = `${HEAD}${STAMPS}${pad}${TAIL}`;
  const sse = Buffer.from(`${SSE_PREFIX}${json}${SSE_SUFFIX}`, "latin1");
  const keyAt = HEAD.length;
  const seqAt = keyAt + KEY_DIGITS + 1;
  return {
    sse,
    json: sse.subarray(SSE_PREFIX.length, sse.length - SSE_SUFFIX.length),
    keyAt,
    seqAt,
    timeAt: seqAt + SEQ_DIGITS + 1,
    pad,
  };
}

/** The end of a stream in OpenAI's form: finish reason, usage, `[DONE]`. */
export function trailer(count: number): Buffer {
  const chunk = { id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1_767_225_600, model: "bench" };
  const finish = { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] };
  const usage = { prompt_tokens: 10, completion_tokens: count, total_tokens: count + 10 };
  const lines = [JSON.stringify(finish), JSON.stringify({ ...chunk, choices: [], usage }), "[DONE]"];
  return Buffer.from(lines.map((line) => `${SSE_PREFIX}${line}${SSE_SUFFIX}`).join(""), "latin1");
}
