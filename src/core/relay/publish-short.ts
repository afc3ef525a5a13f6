import { toByteString } from "../kernel/byte-string.ts";
import type { Stream } from "../stream/stream.ts";
import type { AnswerState } from "./answer-state.ts";

/** Publishes the events that end an answer as its provider would at a token limit. `fault` receives what decoder or readers throw. */
export function publishShort(stream: Stream, answer: AnswerState, fault: (error: unknown) => void): void {
  try {
    for (const { name, data } of answer.cutShort()) {
      // A reader may have cancelled the stream.
      if (stream.terminal) return;
      stream.publish(name, toByteString(data), data === "[DONE]");
    }
  } catch (error) {
    fault(error);
  }
}
