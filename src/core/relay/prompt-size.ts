import type { Dialect } from "../dialect/dialect.ts";
import { utf8Length } from "../kernel/byte-string.ts";
import { isExactNumber } from "../kernel/exact-number.ts";
import { asString, isObject, type JsonObject, type JsonValue } from "../kernel/json.ts";
import { base64Size, fileUrlSize, recordingSize, textSize } from "./attachment-size.ts";

type Value = JsonValue | undefined;
/** Counts the characters a model reads of the value in one place of a body. */
type Measure = (value: Value) => number;
type Measures = Readonly<Record<string, Measure>>;

/** What frames a message or a call: its role and three tokens more (OpenAI's cookbook, "How to count tokens with tiktoken"). */
const FRAME = 16;
/** What begins the answer: three tokens (ibid.), so no request is free. */
const BEGIN = 12;
/** No role is longer. Templates of open models print the role, so a longer one is text. */
const MAX_ROLE = 16;
/** OpenAI's ids of items have up to 53 characters. */
const MAX_TAG = 64;
/** The longest value of OpenAI's `metadata`. */
const MAX_SETTING = 512;

/**
 * How many characters of a request body a model reads: the texts of messages and prompts, the calls of tools and their
 * results, the tools' definitions, and files by their own rates. Roles, types, ids and parameters are free, but only in
 * the places where a dialect has them, and only if they are short. Whatever is not known counts as its JSON, and so does
 * the body of a dialect that is not decoded. Files are files only within parts of messages.
 */
export function promptCharacters(body: JsonObject, dialect?: Pick<Dialect, "endsAtEof">): number {
  return dialect?.endsAtEof ? json(body) : BEGIN + request(body);
}

/** A value as compact JSON, but for escapes: texts count their UTF-8 bytes. */
const json: Measure = (value) => {
  if (typeof value === "string") return textSize(value);
  if (typeof value !== "object" || value === null) return scalarSize(value);
  if (isExactNumber(value)) return value.rawJSON.length;
  let sum = 2;
  if (Array.isArray(value)) for (const item of value) sum += json(item) + 1;
  else for (const key in value) sum += memberSize(key, (value as JsonObject)[key]);
  return sum;
};

const memberSize = (key: string, value: Value): number => utf8Length(key) + 4 + json(value);

/** Writing a number out takes longer than most are worth. */
function scalarSize(value: Value): number {
  const isLong = typeof value === "number" && !(Number.isInteger(value) && Math.abs(value) < 1_000);
  return isLong ? String(value).length : value === false ? 5 : 4;
}

/** A text that the model reads as it is. */
const text: Measure = (value) => (typeof value === "string" ? utf8Length(value) : value === null ? 0 : json(value));

/** What only the provider reads: strings of this length at most, numbers, and objects and lists of these. */
const free =
  (maxLength: number): Measure =>
  (value) => {
    const scalar: Measure = (one) => {
      const raw = isExactNumber(one) ? one.rawJSON : one;
      return typeof raw === "string" && raw.length > maxLength ? utf8Length(raw) : 0;
    };
    if (typeof value !== "object" || value === null || isExactNumber(value)) return scalar(value);
    let sum = 0;
    for (const key in value) {
      const member = (value as JsonObject)[key];
      const isFree = typeof member !== "object" || member === null || isExactNumber(member);
      sum += isFree ? scalar(key) + scalar(member) : memberSize(key, member);
    }
    return sum;
  };
const role = free(MAX_ROLE);
const tag = free(MAX_TAG);
const setting = free(MAX_SETTING);

/** The items of an array. Anything else is text. */
const many =
  (each: Measure): Measure =>
  (value) => {
    if (!Array.isArray(value)) return text(value);
    let sum = 0;
    for (const item of value) sum += each(item);
    return sum;
  };

const framed =
  (each: Measure): Measure =>
  (value) =>
    FRAME + each(value);

/** An object with these fields. Other fields, and anything that is not an object, count as their JSON. */
const shape = (fields: Measures): Measure => {
  const known = new Map(Object.entries(fields));
  return (value) => {
    if (!isObject(value) || isExactNumber(value)) return json(value);
    let sum = 0;
    for (const key in value) {
      const measure = known.get(key);
      sum += measure ? measure(value[key]) : memberSize(key, value[key]);
    }
    return sum;
  };
};

/** An object whose shape its type tells. An unknown type counts as its JSON. */
const byType = (shapes: Measures, otherwise: Measure): Measure => {
  const known = new Map(Object.entries(shapes));
  return (value) => (known.get((isObject(value) && asString(value.type)) || "") ?? otherwise)(value);
};

/** Both carry the same reasoning: `sealed` whole and encrypted, the other fields often as a summary. The longer counts. */
const reasoning = (sealed: string, open: Measures): Measure => {
  const rest = shape({ ...open, type: tag, id: tag, status: tag, [sealed]: () => 0 });
  return (value) => Math.max(rest(value), isObject(value) ? text(value[sealed] ?? null) : 0);
};

const fileUrl =
  (kind: "picture" | "document"): Measure =>
  (value) =>
    typeof value === "string" ? fileUrlSize(value, kind) : json(value);
const picture = fileUrl("picture");
const document = fileUrl("document");

/** The data of a file, by the type that stands beside it. */
const dataOf =
  (nameOf: (file: JsonObject) => Value, size: (type: string, data: string) => number, fields: Measures): Measure =>
  (value) => {
    const type = asString(isObject(value) ? nameOf(value) : undefined) ?? "";
    const data: Measure = (base64) => (typeof base64 === "string" ? size(type, base64) : json(base64));
    return shape({ ...fields, data })(value);
  };

const parts: Measure = (value) => many(part)(value);

/** A source of Anthropic's: base64 data, a URL, a plain text, or further parts. */
const source = (url: Measure): Measure => {
  const about = { type: tag, media_type: tag };
  const shapes = {
    base64: dataOf(({ media_type: type }) => type, base64Size, about),
    url: shape({ ...about, url }),
    text: shape({ ...about, data: text }),
    content: shape({ ...about, content: parts }),
  };
  return byType(shapes, json);
};

const written = { type: tag, text, cache_control: setting, annotations: setting, logprobs: setting };
const textPart = shape(written);
const imageUrl = shape({ url: picture, detail: tag });
const part: Measure = byType(
  {
    text: textPart,
    input_text: textPart,
    output_text: textPart,
    summary_text: textPart,
    reasoning_text: textPart,
    refusal: shape({ ...written, refusal: text }),
    image: shape({ ...written, source: source(picture) }),
    document: shape({ ...written, title: text, context: text, citations: setting, source: source(document) }),
    thinking: reasoning("signature", { thinking: text, cache_control: setting }),
    redacted_thinking: shape({ ...written, data: text }),
    tool_use: framed(shape({ ...written, id: tag, name: text, input: json })),
    tool_result: shape({ ...written, tool_use_id: tag, is_error: tag, content: parts }),
    search_result: shape({ ...written, source: text, title: text, citations: setting, content: parts }),
    image_url: shape({ ...written, image_url: (url) => (typeof url === "string" ? picture(url) : imageUrl(url)) }),
    input_image: shape({ ...written, image_url: picture, detail: tag }),
    computer_screenshot: shape({ ...written, image_url: picture, detail: tag }),
    file: shape({ ...written, file: shape({ file_data: document, filename: text, file_id: tag }) }),
    input_file: shape({ ...written, file_data: document, file_url: document, filename: text, file_id: tag }),
    input_audio: shape({ ...written, input_audio: dataOf(({ format }) => format, recordingSize, { format: tag }) }),
  },
  json,
);

const called = shape({ name: text, arguments: text });
const toolCall = shape({ id: tag, type: tag, index: tag, function: called });
const aside = { type: tag, id: tag, status: tag, call_id: tag, phase: tag };
/** The output of a tool in a Responses request: parts, or a single screenshot. */
const output: Measure = (value) => (isObject(value) ? part(value) : parts(value));
const message = shape({
  ...aside,
  role,
  name: text,
  content: parts,
  output,
  tool_calls: many(framed(toolCall)),
  tool_call_id: tag,
  reasoning_content: text,
  reasoning: text,
  refusal: text,
  cache_control: setting,
  annotations: setting,
});
/** A message of any dialect, or an item of a Responses request. */
const item = byType(
  {
    function_call: shape({ ...aside, name: text, arguments: text }),
    custom_tool_call: shape({ ...aside, name: text, input: text }),
    reasoning: reasoning("encrypted_content", { summary: parts, content: parts }),
  },
  message,
);

const mimeOf = ({ mimeType, mime_type: mime }: JsonObject): string => asString(mimeType) ?? asString(mime) ?? "";
const mime = { mimeType: tag, mime_type: tag };
const inlineData = dataOf(
  mimeOf,
  (type, data) => (type.startsWith("audio/") ? recordingSize(type.slice(6), data) : base64Size(type, data)),
  mime,
);
/** The address of a file in a Gemini request. */
const fileData: Measure = (value) => {
  const address = isObject(value) && mimeOf(value).startsWith("image/") ? picture : document;
  return shape({ ...mime, fileUri: address, file_uri: address })(value);
};
const call = framed(shape({ id: tag, name: text, args: json }));
const result = shape({ id: tag, name: text, response: json });
const calls = { functionCall: call, function_call: call, functionResponse: result, function_response: result };
const files = { inlineData, inline_data: inlineData, fileData, file_data: fileData };
/** A content of a Gemini request. */
const content = shape({ role, parts: many(shape({ text, thought: tag, thoughtSignature: text, ...calls, ...files })) });

const defined = { type: tag, name: text, description: text, strict: tag, parameters: json, cache_control: setting };
const tool = shape({
  ...defined,
  input_schema: json,
  function: shape(defined),
  functionDeclarations: many(shape(defined)),
});
const instruction = shape({ role, parts: many(shape({ text })) });

/** Parameters, which the model does not read. */
const PARAMETERS =
  "model stream stream_options max_tokens max_completion_tokens max_output_tokens temperature top_p top_k min_p seed n stop " +
  "stop_sequences frequency_penalty presence_penalty logprobs top_logprobs logit_bias metadata user safety_identifier " +
  "prompt_cache_key prompt_cache_retention service_tier store parallel_tool_calls tool_choice reasoning reasoning_effort " +
  "thinking verbosity modalities truncation background include previous_response_id text response_format output_config " +
  "container generationConfig generation_config cachedContent labels";
const items = many(framed(item));
const request = shape({
  ...Object.fromEntries(PARAMETERS.split(" ").map((name) => [name, setting])),
  system: many(textPart),
  instructions: text,
  systemInstruction: instruction,
  system_instruction: instruction,
  messages: items,
  input: (value) => (typeof value === "string" ? FRAME + text(value) : items(value)),
  contents: many(framed(content)),
  tools: many(tool),
});
