import { isExactNumber } from "../kernel/exact-number.ts";
import { asString, isObject, type JsonObject, type JsonValue } from "../kernel/json.ts";
import { base64Size, fileUrlSize, recordingSize, textSize } from "./attachment-size.ts";

type Value = JsonValue | undefined;
/** Counts the characters a model reads of the value in one place of a body. */
type Measure = (value: Value) => number;

/**
 * How many characters of a request body a model reads: all texts and field names, and files by their own rates. Only the
 * places where a dialect has files, within parts of messages, count as files. Everything else, such as tool inputs, schemas
 * and unknown fields, counts in full as text, whatever it looks like.
 */
export function promptCharacters(body: JsonObject): number {
  return fields({ messages: many(message), input: many(message), contents: many(content) })(body);
}

const text: Measure = (value) => {
  if (typeof value === "string") return textSize(value);
  return Array.isArray(value) ? many(text)(value) : fields({})(value);
};

/** The items of an array. Anything else is text. */
const many =
  (each: Measure): Measure =>
  (value) =>
    Array.isArray(value) ? value.reduce((sum: number, item: JsonValue) => sum + each(item) + 1, 2) : ofText(value);

/** The fields of an object, some with a measure of their own. Anything else is text. */
const fields =
  (special: Readonly<Record<string, Measure>>): Measure =>
  (value) => {
    if (!isObject(value)) return ofText(value);
    if (isExactNumber(value)) return value.rawJSON.length;
    let sum = 2;
    for (const key in value) {
      const measure = Object.hasOwn(special, key) ? special[key] : undefined;
      sum += key.length + 4 + (measure ?? text)(value[key]);
    }
    return sum;
  };

function ofText(value: Value): number {
  if (typeof value === "string") return textSize(value);
  return typeof value === "object" && value !== null ? text(value) : 4;
}

/** A message of any dialect, or an item of a Responses request. */
const message: Measure = (value) => fields({ content: many(part), output: parts })(value);

/** A content of a Gemini request. */
const content: Measure = (value) =>
  fields({ parts: many(fields({ inlineData, inline_data: inlineData, fileData, file_data: fileData })) })(value);

/** The output of a tool in a Responses request: parts, or a single screenshot. */
const parts: Measure = (value) => (Array.isArray(value) ? many(part)(value) : part(value));

const part: Measure = (value) => fields(filesOf(isObject(value) ? asString(value.type) : undefined))(value);

/** The fields in which a part of this type has a file or further parts. */
function filesOf(type: string | undefined): Readonly<Record<string, Measure>> {
  switch (type) {
    case "image":
      return { source: source("picture") };
    case "document":
      return { source: source("document") };
    case "tool_result":
    case "search_result":
      return { content: many(part) };
    case "image_url":
      return { image_url: (value) => (typeof value === "string" ? picture(value) : fields({ url: picture })(value)) };
    case "input_image":
    case "computer_screenshot":
      return { image_url: picture };
    case "file":
      return { file: fields({ file_data: document }) };
    case "input_file":
      return { file_data: document, file_url: document };
    case "input_audio":
      return { input_audio: recording };
    default:
      return {};
  }
}

const fileUrl =
  (kind: "picture" | "document"): Measure =>
  (value) =>
    typeof value === "string" ? fileUrlSize(value, kind) : text(value);
const picture = fileUrl("picture");
const document = fileUrl("document");

/** A source of Anthropic's: base64 data, a URL, or further parts. */
const source =
  (kind: "picture" | "document"): Measure =>
  (value) => {
    const { type, media_type: mediaType } = isObject(value) ? value : {};
    const base64: Measure = (data) =>
      typeof data === "string" ? base64Size(asString(mediaType) ?? "", data) : text(data);
    if (type === "base64") return fields({ data: base64 })(value);
    if (type === "url") return fields({ url: fileUrl(kind) })(value);
    return type === "content" ? fields({ content: many(part) })(value) : text(value);
  };

/** A file in a Gemini request. */
function inlineData(value: Value): number {
  const { mimeType, mime_type: mime } = isObject(value) ? value : {};
  const type = asString(mimeType) ?? asString(mime) ?? "";
  const sound = type.startsWith("audio/") ? type.slice("audio/".length) : undefined;
  const data: Measure = (base64) => {
    if (typeof base64 !== "string") return text(base64);
    return sound === undefined ? base64Size(type, base64) : recordingSize(sound, base64);
  };
  return fields({ data })(value);
}

/** The address of a file in a Gemini request. */
function fileData(value: Value): number {
  const { mimeType, mime_type: mime } = isObject(value) ? value : {};
  const isPicture = (asString(mimeType) ?? asString(mime) ?? "").startsWith("image/");
  const address = fileUrl(isPicture ? "picture" : "document");
  return fields({ fileUri: address, file_uri: address })(value);
}

const recording: Measure = (value) => {
  const format = asString(isObject(value) ? value.format : undefined) ?? "";
  return fields({ data: (data) => (typeof data === "string" ? recordingSize(format, data) : text(data)) })(value);
};
