import { asArray, asObject, asString, type JsonObject, type JsonValue } from "../kernel/json.ts";

/** The fields of one error object, whatever their names. Texts are not sanitised. */
export interface ErrorFields {
  readonly type: string | undefined;
  readonly code: string | undefined;
  readonly param: string | undefined;
  /** The HTTP status among its numbers, 400 to 599. */
  readonly status: number | undefined;
  /** The wait it asks for, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** The place in the request that it complains about. */
  readonly place: string | undefined;
  /** A nested error, which is more specific than this object. */
  readonly inner: JsonValue | undefined;
  /** Its message: a text, a list of texts, or objects that contain one. */
  readonly message: JsonValue | undefined;
}

/** Names of a message, best first, in lower case and without separators. */
const MESSAGES = [
  "message",
  "msg",
  "errormessage",
  "errormsg",
  "errmsg",
  "errordescription",
  "statusmsg",
  "statusmessage",
  "faultstring",
  "detail",
  "details",
  "description",
  "title",
  "reason",
];
const CODES = ["code", "errorcode", "errcode", "statuscode"];
const STATUSES = ["status", "statuscode", "httpstatus", "httpcode", "httpstatuscode", "code", "errorcode"];
const PARAMS = ["param", "parameter", "paramname", "field"];

/** Google's reason in a 400 for a wrong key. */
export const INVALID_KEY = "API_KEY_INVALID";

/** Types that only mark an error as one. */
const PLAIN_TYPES = /^(?:error|fail|failed|failure|about:blank|)$/i;
/** Codes of success. */
const NO_ERROR = new Set(["0", "200", "", "success", "ok"]);
/** Most fields of an object that are read. */
const MAX_FIELDS = 64;

/** Reads one error object. An `error` that is a word beside a message is taken as the type. */
export function errorFields(object: JsonObject): ErrorFields {
  const fields = new Map(
    Object.entries(object)
      .slice(0, MAX_FIELDS)
      .map(([name, value]) => [name.toLowerCase().replace(/[^a-z]/g, ""), value] as const),
  );
  const first = <Value>(names: readonly string[], as: (value: unknown) => Value | undefined): Value | undefined => {
    for (const name of names) {
      const value = as(fields.get(name));
      if (value !== undefined) return value;
    }
    return undefined;
  };
  const error = fields.get("error");
  const word = asString(error);
  const message = first(MESSAGES, asWords) ?? asWords(word);
  const typed = [fields.get("type"), fields.get("errortype"), fields.get("status"), isWord(word) && word]
    .map(asType)
    .find((type) => type !== undefined);
  const place = placeOf(fields);
  return {
    type: typed,
    code:
      first(CODES, asCode) ?? asCode(asObject(fields.get("extensions"))?.code) ?? meantByGoogle(fields.get("details")),
    param: first(PARAMS, asText) ?? place?.replace(/^(?:body|query|header)\./, "") ?? violated(fields.get("details")),
    status: first(STATUSES, asErrorStatus),
    retryAfterMs: delayOf(fields),
    place,
    inner: innerOf(fields),
    message,
  };
}

/** The nested error: `error`, `errors`, Apigee's and Tencent's wrappers, MiniMax's `base_resp`, or OpenRouter's `raw`. */
function innerOf(fields: ReadonlyMap<string, JsonValue | undefined>): JsonValue | undefined {
  const base = asObject(fields.get("baseresp"));
  if (base && asCode(base.status_code) !== undefined) return base;
  const raw = asText(asObject(fields.get("metadata"))?.raw);
  const response = asObject(fields.get("response"));
  const candidates = [
    fields.get("error"),
    listed(fields.get("errors")),
    fields.get("fault"),
    response?.Error ?? response?.error,
    raw,
  ];
  return candidates.find(
    (value) => (typeof value === "object" && value !== null) || (value !== undefined && value === raw),
  );
}

/** `errors` as a list; ASP.NET sends an object of lists by field name. */
function listed(errors: JsonValue | undefined): JsonValue | undefined {
  if (typeof errors === "string") return [errors];
  const byField = asObject(errors);
  return byField ? Object.entries(byField).map(([field, message]) => ({ field, loc: [field], message })) : errors;
}

/** The place: FastAPI's `loc`, JSON:API's `source` or GraphQL's `path`. */
function placeOf(fields: ReadonlyMap<string, JsonValue | undefined>): string | undefined {
  const source = asObject(fields.get("source"));
  const pointed =
    asText(source?.pointer)
      ?.replace(/^[#/]+/, "")
      .replaceAll("/", ".") ?? asText(source?.parameter);
  const parts = [...asArray(fields.get("loc")), ...asArray(fields.get("path"))];
  const named = parts.filter((part) => typeof part === "string" || typeof part === "number").join(".");
  return pointed ?? (named === "" ? undefined : named);
}

/** The field in Google's `BadRequest` detail. */
function violated(details: JsonValue | undefined): string | undefined {
  const violations = asArray(details).flatMap((detail) => asArray(asObject(detail)?.fieldViolations));
  return asText(asObject(violations[0])?.field);
}

/** What Google says in `details` alone: that the key is invalid, or that a quota comes back tomorrow. */
function meantByGoogle(details: JsonValue | undefined): string | undefined {
  const items = asArray(details).map(asObject);
  if (items.some((detail) => detail?.reason === INVALID_KEY)) return INVALID_KEY;
  const quotas = items.flatMap((detail) => asArray(detail?.violations)).map((one) => asString(asObject(one)?.quotaId));
  return quotas.some((quota) => quota !== undefined && /PerDay/.test(quota)) ? "daily_quota" : undefined;
}

/** A wait given in the body: in seconds, or in Google's `RetryInfo`. */
function delayOf(fields: ReadonlyMap<string, JsonValue | undefined>): number | undefined {
  const delay = asArray(fields.get("details"))
    .map((detail) => /^(\d{1,9}(?:\.\d+)?)s$/.exec(asString(asObject(detail)?.retryDelay) ?? "")?.[1])
    .find((seconds) => seconds !== undefined);
  const seconds = delay ?? fields.get("retryafter");
  return typeof seconds === "number" || delay !== undefined
    ? Math.max(0, Math.ceil(Number(seconds) * 1_000))
    : undefined;
}

const isWord = (text: string | undefined): boolean => text !== undefined && /^[\w.:-]{1,64}$/.test(text);

const asText = (value: unknown): string | undefined =>
  typeof value === "string" && value.trim() !== "" ? value : undefined;

/** A text, or a value that may contain one. Google's `details` are typed objects without a message. */
const asWords = (value: unknown): JsonValue | undefined =>
  asText(value) ??
  asObject(value) ??
  (Array.isArray(value) && value.length > 0 && !asObject(value[0])?.["@type"] ? value : undefined);

/** Without the namespace that AWS puts before it. */
const asType = (value: unknown): string | undefined => {
  const type = asText(value)?.replace(/^.*#/, "");
  return type === undefined || PLAIN_TYPES.test(type) || /^\d+$/.test(type) ? undefined : type;
};

/** HTTP statuses are not codes: they are read as `status`. */
const asCode = (value: unknown): string | undefined => {
  const code = typeof value === "number" ? String(value) : asText(value);
  const isStatus = asErrorStatus(value) !== undefined;
  return code === undefined || isStatus || NO_ERROR.has(code.toLowerCase()) ? undefined : code;
};

const asErrorStatus = (value: unknown): number | undefined => {
  const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof status === "number" && Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined;
};
