import type { EventSourceMessage, EventSourceParser } from "eventsource-parser";
import { jsonNesting } from "./json-nesting.ts";

/** Appended to the parser's unfinished line: the field that ends with it is the one the body's end cut. */
const MARK = "\u0001";
/** An extra data line and a blank line, which make the parser dispatch whatever it holds. */
const PROBE = `data:${MARK}\n\n`;

/** Fields of an event, to recognise one whose name was cut. `retry` is not part of an event. */
const FIELDS = ["data", "event", "id"];

/** What a body had after its last blank line. */
export interface LastEvent {
  /** An event that lacks only its blank line, or also the end of its last line. */
  readonly event?: { readonly name: string | undefined; readonly data: string };
  /** The body ended inside an event. */
  readonly isCut: boolean;
}

/** Finds out what a parser still holds at the end of a body. */
export class LastEventProbe {
  #message: EventSourceMessage | undefined;
  #cutField: string | undefined;

  /** Takes the event that the probe makes the parser dispatch. */
  message(message: EventSourceMessage): void {
    this.#message = message;
  }

  /** Takes a line that the parser does not recognise. */
  unknownLine(line: string): void {
    if (line.endsWith(MARK)) this.#cutField = line.slice(0, -MARK.length);
  }

  /** `isLineEnded`: the body's last line has its line end. The parser cannot be used afterwards. */
  run(parser: EventSourceParser, isLineEnded: boolean): LastEvent {
    parser.feed(isLineEnded ? PROBE : `${MARK}\n${PROBE}`);
    const { event: name, id, data = MARK } = this.#message ?? {};
    const cutField = this.#cutField;
    const isFieldCut = cutField !== undefined && cutField !== "" && FIELDS.some((field) => field.startsWith(cutField));
    if (isFieldCut || isMarked(name) || isMarked(id)) return { isCut: true };
    // A name or an id without data is the beginning of an event.
    if (data === MARK) return { isCut: name !== undefined || id !== undefined };
    const lines = data.slice(0, -(MARK.length + 1));
    const isDataCut = isMarked(lines);
    const text = isDataCut ? lines.slice(0, -MARK.length) : lines;
    const nesting = jsonNesting(text);
    // JSON delimits itself; any other text is complete only if its line has ended.
    const isComplete = nesting === "closed" || (nesting === "none" && !isDataCut);
    return isComplete ? { event: { name, data: text }, isCut: false } : { isCut: true };
  }
}

const isMarked = (text: string | undefined): boolean => text?.endsWith(MARK) ?? false;
