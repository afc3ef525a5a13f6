import { expect, test } from "@jest/globals";
import { PROVIDER_NAMES, PROVIDERS } from "../../src/config/providers.ts";
import { dialects } from "../../src/dialects/registry.ts";
import { SHAPES } from "../support/upstreams/provider-shapes.ts";

/** The events of a body of ours: no line end but LF, no field but `event` and `data`. */
const eventsOf = (body: string) =>
  body.split("\n\n").flatMap((block) => {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
    const data = field("data");
    return data === undefined ? [] : [{ name: field("event"), data }];
  });

test.each(PROVIDER_NAMES)("text and thinking of %s are read under the names it gives them", (preset) => {
  const { answer, text, thinking } = SHAPES[preset];
  const decoder = dialects.get(PROVIDERS[preset].route.dialect)?.decoder();
  const read = { text: "", thinking: "" };
  for (const { name, data } of eventsOf(answer)) {
    const delta = decoder?.read(name, data === "[DONE]" ? undefined : JSON.parse(data), data);
    read.text += delta?.text ?? "";
    read.thinking += delta?.thinking ?? "";
  }
  expect(read).toEqual({ text, thinking });
});
