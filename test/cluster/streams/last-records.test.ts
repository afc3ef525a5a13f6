import { expect, test } from "@jest/globals";
import { Names } from "../../../src/cluster/link/names.ts";
import { endToText, ownerLost, spendingToText } from "../../../src/cluster/streams/stored-end.ts";
import { lastRecords } from "../../../src/cluster/streams/stored-stream.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import type { Terminal } from "../../../src/core/stream/terminal.ts";

const USAGE = { source: "estimated", inputTokens: 3, outputTokens: 4 } as const;
const TARGET = { attempt: 2, route: "other", model: "gpt-2" };
const FACTS = JSON.stringify({ caller: "ann", route: "chat", model: "gpt", at: 5 });
const TERMINAL: Terminal = {
  status: "failed",
  lastSeq: 9,
  error: new GatewayError("upstream_truncated"),
  usage: { ...USAGE, source: "exact" },
  timing: { totalMs: 12.5 },
  target: TARGET,
  lossy: false,
};

/** What is read of a hash with these fields: `owner`, `seq`, `facts`, `usage`, `end`. */
async function read(...fields: readonly (string | null)[]) {
  const link = { command: async ([, key]: readonly unknown[]) => (key === "t:stream:s" ? [...fields] : [null]) };
  return (await lastRecords(link as never, new Names("t"), ["other", "s"])).get("s");
}

test("a stream that ran has left what it used, and where; one that is not there has left nothing", async () => {
  const spending = { usage: USAGE, target: TARGET };
  const record = await read("node", "7", FACTS, spendingToText(spending), null);
  expect(record).toMatchObject({
    events: 7,
    ending: undefined,
    spending,
    facts: { caller: "ann", model: "gpt", at: 5 },
  });
  expect(await read(null, null, null, null, null)).toBeUndefined();
});

test("one that has ended has left how: as its node wrote it, not as another did that took it over", async () => {
  const own = await read("node", "9", FACTS, spendingToText({ usage: USAGE }), endToText(TERMINAL));
  const { status, usage, timing, target } = TERMINAL;
  expect(own?.ending).toEqual({ status, usage, timing, target, code: "upstream_truncated" });
  expect(own?.spending?.usage).toEqual(usage);
  const text = spendingToText({ usage: USAGE });
  const taken = await read("", "9", FACTS, text, endToText(ownerLost(9, text, 1)));
  expect(taken).toMatchObject({ ending: undefined, spending: { usage: USAGE } });
});

test.each(["{", "7", "null", '{"usage":{"source":"exact","inputTokens":-1}}', '{"usage":{"source":"guessed"}}'])(
  "what cannot be read, %s, counts as nothing",
  async (text) => {
    expect(await read("node", "7", text, text, null)).toMatchObject({ ending: undefined, spending: undefined });
    expect(await read("node", "7", FACTS, text, text)).toMatchObject({ ending: undefined, spending: undefined });
    expect(ownerLost(7, text, 1).usage).toEqual({ source: "unknown" });
  },
);

test("an end with a code of another version is an end", async () => {
  const text = endToText(TERMINAL).replace("upstream_truncated", "of_next_year");
  expect((await read("node", "9", FACTS, null, text))?.ending).toMatchObject({ status: "failed", code: undefined });
});
