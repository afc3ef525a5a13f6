import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { anthropicMessages } from "../../src/demo/anthropic-messages.ts";
import { readDirectives } from "../../src/demo/directives.ts";
import { openaiChat } from "../../src/demo/openai-chat.ts";
import { openaiResponses } from "../../src/demo/openai-responses.ts";
import { seededRandom } from "../../src/demo/random.ts";
import { writeScript } from "../../src/demo/script.ts";

/** Bodies whose known fields hold anything: the server runs inside the gateway, so none may make it throw. */
const anything = fc.jsonValue({ maxDepth: 4 });
const message = fc.record({ role: fc.constantFrom("user", "assistant", "tool", 5), content: anything });
const body = fc.record(
  {
    model: anything,
    messages: fc.oneof(anything, fc.array(message)),
    input: fc.oneof(anything, fc.array(message)),
    system: anything,
    instructions: anything,
    tools: fc.oneof(anything, fc.array(anything)),
    max_tokens: fc.oneof(anything, fc.integer(), fc.double()),
    max_output_tokens: fc.oneof(anything, fc.integer()),
    stream_options: anything,
  },
  { requiredKeys: [] },
);

test.each([anthropicMessages, openaiChat, openaiResponses])("any body gets an answer: $speaks", (dialect) => {
  fc.assert(
    fc.property(body, fc.nat(), (given, seed) => {
      const random = seededRandom(seed);
      const fields = JSON.parse(JSON.stringify(given));
      const prompt = dialect.prompt(fields);
      const { directives, rest } = readDirectives(prompt.text);
      const script = writeScript(random, prompt, { directives, rest, speaks: dialect.speaks });
      const beats = [...dialect.beats(script, { body: fields, random, createdS: 0 })];
      expect(beats.length).toBeGreaterThan(2);
      for (const { data } of beats) expect(typeof JSON.stringify(data)).toBe("string");
    }),
  );
});
