import type { EventSourceMessage, EventSourceParser } from "eventsource-parser";
import { jsonNesting } from "./json-nesting.ts";

/** Marks what a parser still holds: no field ends with it, because a line that does is cut by the body's end. */
const MARK = "\u0001";
/** An event of our own behind whatever is held, which brings that out. */
const PROBE = `data:${MARK}\n\n`;

/** Fields that a line cut in its name may have begun. A `retry` belongs to no event. */
const FIELDS = ["data", "event", "id"];

/** What a body ended with behind its last blank line. */
export interface LastEvent {
  /** An event that lacks nothing but the blank line, or its last line's end. */
  readonly event?: { readonly name: string | undefined; readonly data: string };
  /** The body ended inside an event. */
  readonly isCut: boolean;
}

/** Brings out what a parser holds at the end of its body. */
export class LastEventProbe {
  #message: EventSourceMessage | undefined;
  #cutField: string | undefined;

  /** Told by the parser while it is probed. */
  message(message: EventSourceMessage): void {
    this.#message = message;
  }

  /** Told by the parser while it is probed: a line it does not understand. */
  unknownLine(line: string): void {
    if (line.endsWith(MARK)) this.#cutField = line.slice(0, -MARK.length);
  }

  /** `isLineEnded`: the last line of the body has its line end. The parser is of no use afterwards. */
  run(parser: EventSourceParser, isLineEnded: boolean): LastEvent {
    parser.feed(isLineEnded ? PROBE : `${MARK}\n${PROBE}`);
    const { event: name, id, data = MARK } = this.#message ?? {};
    const cutField = this.#cutField;
    const isFieldCut = cutField !== undefined && cutField !== "" && FIELDS.some((field) => field.startsWith(cutField));
    if (isFieldCut || isMarked(name) || isMarked(id)) return { isCut: true };
    // Without data there is no event, only the beginning of one.
    if (data === MARK) return { isCut: name !== undefined || id !== undefined };
    const lines = data.slice(0, -(MARK.length + 1));
    const isDataCut = isMarked(lines);
    const text = isDataCut ? lines.slice(0, -MARK.length) : lines;
    const nesting = jsonNesting(text);
    // JSON says itself where it ends; of other text only a line end tells.
    const isComplete = nesting === "closed" || (nesting === "none" && !isDataCut);
    return isComplete ? { event: { name, data: text }, isCut: false } : { isCut: true };
  }
}

const isMarked = (text: string | undefined): boolean => text?.endsWith(MARK) ?? false;
