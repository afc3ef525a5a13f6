import { expect, test } from "@jest/globals";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import fc from "fast-check";
import { fromByteString, toByteString } from "../../../src/core/kernel/byte-string.ts";
import { KEEP_ALIVE, serverSentEvent } from "../../../src/core/stream/server-sent-event.ts";

test("an independent parser reads any event back unchanged", () => {
  const line = fc.string({ unit: "binary" }).map((text) => text.toWellFormed().replaceAll(/[\r\n\0]/g, ""));
  const name = fc.option(
    line.filter((text) => text !== ""),
    { nil: undefined },
  );
  const data = fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => lines.join("\n"));
  const event = fc.record({ event: name, data, id: name });
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const found: EventSourceMessage[] = [];
      const parser = createParser({ onEvent: (each) => found.push(each) });
      const bytes = events.map(({ event, data, id }) =>
        serverSentEvent(event && toByteString(event), toByteString(data), id && toByteString(id)),
      );
      parser.feed(fromByteString(bytes.join(KEEP_ALIVE)));
      expect(found.map(({ event, data }) => ({ event, data }))).toEqual(
        events.map(({ event, data }) => ({ event, data })),
      );
    }),
  );
});
