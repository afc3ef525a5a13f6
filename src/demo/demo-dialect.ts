import type { JsonObject } from "../core/kernel/json.ts";
import type { Prompt } from "./prompt.ts";
import type { Random } from "./random.ts";
import type { Script } from "./script.ts";

/** One server-sent event, and whether a token's time passes before it. */
export interface Beat {
  readonly event?: string;
  readonly data: JsonObject | "[DONE]";
  readonly token?: true;
}

export interface AnswerContext {
  readonly body: JsonObject;
  readonly random: Random;
  readonly createdS: number;
}

/** How the demo upstream speaks one provider's language. */
export interface DemoDialect {
  readonly path: string;
  /** The dialect's name for people. */
  readonly speaks: string;
  prompt(body: JsonObject): Prompt;
  /** The events of one answer. They stop early when the script ends in a cut or an error. */
  beats(script: Script, context: AnswerContext): Iterable<Beat>;
  /** The same answer in one piece, for a request that asks for no stream. The script ends whole. */
  unary(script: Script, context: AnswerContext): JsonObject;
  /** The provider's error body for an HTTP status. */
  errorBody(status: number, message: string): JsonObject;
}
