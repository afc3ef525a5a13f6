import { type PayloadName, type Shape, shapeOf } from "./shape.ts";

/** One of a payload's different events, with zeros for all digits that are filled in later. */
interface EventVariant {
  /** Framed as SSE. */
  readonly sse: Buffer;
  readonly json: Buffer;
  /** What follows the stamps inside the text. */
  readonly pad: string;
}

/** A payload's events, and where their digits go as offsets from the start of the JSON, the same in all variants. */
export interface EventLayout {
  readonly shape: Shape;
  readonly variants: readonly EventVariant[];
  /** Bytes of SSE in front of the JSON. */
  readonly jsonAt: number;
  /** The stamps at the start of the text. */
  readonly keyAt: number;
  readonly seqAt: number;
  readonly timeAt: number;
  /** Where the head repeats the key or the number, in ids and times. */
  readonly headKeysAt: readonly number[];
  readonly headSeqsAt: readonly number[];
  /** The ranges of the head that are the same in all events. */
  readonly constant: readonly (readonly [from: number, to: number])[];
}

export const KEY_DIGITS = 8;
export const SEQ_DIGITS = 8;
export const TIME_DIGITS = 15;
const HOLE = /<(key|seq)>/g;
const STAMPS = `${"0".repeat(KEY_DIGITS)}-${"0".repeat(SEQ_DIGITS)}-${"0".repeat(TIME_DIGITS)}`;
const FILLER = " the quick brown fox jumps over the lazy dog and runs away";

const layouts = new Map<string, EventLayout>();

/** The layout of a payload whose events have at least this many bytes. */
export function layoutFor(payload: PayloadName, bytes: number): EventLayout {
  const id = `${payload} ${bytes}`;
  let layout = layouts.get(id);
  if (!layout) {
    layout = makeLayout(shapeOf(payload), bytes);
    layouts.set(id, layout);
  }
  return layout;
}

/** The variant of the event with this number, counted from 1. */
export const variantOf = ({ variants }: EventLayout, seq: number): EventVariant | undefined =>
  variants[(seq - 1) % variants.length];

function makeLayout(shape: Shape, bytes: number): EventLayout {
  const { head, keysAt, seqsAt } = fillHoles(shape.head);
  const variants = Array.from({ length: shape.variety }, (_, index) => makeVariant(shape, head, index, bytes));
  const stamped = [...keysAt, ...seqsAt].sort((a, b) => a - b);
  const edges = [0, ...stamped.flatMap((at) => [at, at + KEY_DIGITS]), head.length];
  const keyAt = head.length;
  const seqAt = keyAt + KEY_DIGITS + 1;
  return {
    shape,
    variants,
    jsonAt: framed(shape, variants[0]?.json.toString() ?? "").indexOf("{"),
    keyAt,
    seqAt,
    timeAt: seqAt + SEQ_DIGITS + 1,
    headKeysAt: keysAt,
    headSeqsAt: seqsAt,
    constant: edges.flatMap((from, index) => (index % 2 === 0 ? [[from, edges[index + 1] ?? from] as const] : [])),
  };
}

function makeVariant(shape: Shape, head: string, variant: number, bytes: number): EventVariant {
  const word = shape.text(variant);
  const jsonWith = (text: string) => `${head}${STAMPS}${inString(text)}${shape.tail(variant, text)}`;
  const missing = Math.max(0, bytes - Buffer.byteLength(framed(shape, jsonWith(word))));
  const pad = `${word}${FILLER.repeat(Math.ceil(missing / FILLER.length)).slice(0, missing)}`;
  const json = jsonWith(pad);
  return { sse: Buffer.from(framed(shape, json), "utf8"), json: Buffer.from(json, "utf8"), pad };
}

/** The head with zeros in its holes, and where they are. Heads are ASCII, so characters are bytes. */
function fillHoles(template: string): { head: string; keysAt: number[]; seqsAt: number[] } {
  const keysAt: number[] = [];
  const seqsAt: number[] = [];
  let head = "";
  let from = 0;
  for (const hole of template.matchAll(HOLE)) {
    head += template.slice(from, hole.index);
    (hole[1] === "key" ? keysAt : seqsAt).push(head.length);
    head += "0".repeat(KEY_DIGITS);
    from = hole.index + hole[0].length;
  }
  return { head: head + template.slice(from), keysAt, seqsAt };
}

const inString = (text: string): string => JSON.stringify(text).slice(1, -1);

/** One event as SSE; those of all APIs but chat completions are named after their type. */
function framed({ api }: Shape, data: string): string {
  const name = api !== "chat" ? /"type":"([a-z_.]+)"/.exec(data)?.[1] : undefined;
  return `${name === undefined ? "" : `event: ${name}\n`}data: ${data}\n\n`;
}

/** What a stream writes before its first text: the role, the start of a message, some reasoning. May be empty. */
export const leadIn = (payload: PayloadName, key: number): Buffer => around(shapeOf(payload).leadIn, payload, key, 0);

/** The end of a stream in the provider's form, with its usage. */
export const ending = (payload: PayloadName, key: number, count: number): Buffer =>
  around(shapeOf(payload).ending, payload, key, count);

function around(events: readonly string[], payload: PayloadName, key: number, count: number): Buffer {
  const digits = String(key).padStart(KEY_DIGITS, "0");
  const text = events.map((data) => framed(shapeOf(payload), data)).join("");
  return Buffer.from(text.replaceAll("<key>", digits).replaceAll("<count>", String(count)), "latin1");
}
