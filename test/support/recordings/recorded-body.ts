import { parseJson } from "../../../src/core/kernel/json.ts";
import type { DialectName } from "../../../src/dialects/registry.ts";
import type { RecordedEvent } from "./corpus.ts";

/** The model of the test gateway that speaks a dialect. */
export const MODEL_OF: Readonly<Record<DialectName, string>> = {
  "anthropic-messages": "claude",
  "openai-chat": "gpt",
  "openai-responses": "responses",
  "google-gemini": "gemini",
  "plain-sse": "plain",
};

/** Recorded events as an event stream on the wire. */
export const sseBody = (events: readonly RecordedEvent[]): string =>
  events
    .map(({ event, data }) => {
      const lines = data.split("\n").map((line) => `data: ${line}\n`);
      return `${event === undefined ? "" : `event: ${event}\n`}${lines.join("")}\n`;
    })
    .join("");

/** The frame that the stream face must make of one upstream event, to the byte. */
export function expectedFrame(id: string, seq: number, { event, data }: RecordedEvent): string {
  const name = event === undefined ? "" : `,"event":${JSON.stringify(event)}`;
  const payload = parseJson(data) === undefined ? `${JSON.stringify(data)},"raw":true` : data;
  return `{"type":"event","id":"${id}","seq":${seq}${name},"data":${payload}}`;
}
