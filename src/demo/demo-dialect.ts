import type { JsonObject } from "../core/kernel/json.ts";
import type { Prompt } from "./prompt.ts";
import type { Random } from "./random.ts";
import type { Script } from "./script.ts";

/** One server-sent event, and whether it waits for the pace of a token. */
export interface Beat {
  readonly event?: string;
  readonly data: JsonObject | "[DONE]";
  readonly token?: true;
}

/** What an answer depends on besides the script. */
export interface AnswerContext {
  readonly body: JsonObject;
  readonly random: Random;
  readonly createdS: number;
}

/** How the demo upstream speaks one provider's API. */
export interface DemoDialect {
  readonly path: string;
  /** The dialect's display name. */
  readonly speaks: string;
  prompt(body: JsonObject): Prompt;
  /** The events of an answer. They stop early if the script ends in a cut or an error. */
  beats(script: Script, context: AnswerContext): Iterable<Beat>;
  /** The same answer as one JSON body, for a request with `stream: false`. The script is complete. */
  unary(script: Script, context: AnswerContext): JsonObject;
  /** The provider's error body for an HTTP status. */
  errorBody(status: number, message: string): JsonObject;
}
