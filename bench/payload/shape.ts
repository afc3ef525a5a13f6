import { anthropic } from "./shapes/anthropic.ts";
import { fixed } from "./shapes/fixed.ts";
import { moonshot } from "./shapes/moonshot.ts";
import { openai, restless } from "./shapes/openai.ts";
import { responses } from "./shapes/responses.ts";

/** Which of a provider's APIs a stream belongs to: chat completions, Anthropic's messages or OpenAI's responses. */
export type Api = "chat" | "messages" | "responses";

/** How a provider writes its stream, and what changes in it from event to event. */
export interface Shape {
  readonly api: Api;
  /** How many different events it has. They take turns, so the number of an event says which one it is. */
  readonly variety: number;
  /**
   * The JSON up to the event's text. `<key>` and `<seq>` stand for eight digits: the stream's key and the event's number.
   */
  readonly head: string;
  /** The event's own text, behind its stamps. */
  text(variant: number): string;
  /** The JSON behind the text. */
  tail(variant: number, text: string): string;
  /** The data of the events before the first text; `<key>` as in the head. */
  readonly leadIn: readonly string[];
  /** The data of the events after the last text; `<key>` as in the head, `<count>` for the number of texts. */
  readonly ending: readonly string[];
}

/** The payloads by name. `openai` is the default. */
export const SHAPES = { openai, anthropic, responses, moonshot, restless, fixed } satisfies Record<string, Shape>;

export type PayloadName = keyof typeof SHAPES;

export const PAYLOAD_NAMES = Object.keys(SHAPES) as readonly PayloadName[];

/** Whether a text names a payload. */
export const isPayloadName = (text: string): text is PayloadName => Object.hasOwn(SHAPES, text);

export const shapeOf = (name: PayloadName): Shape => SHAPES[name];
