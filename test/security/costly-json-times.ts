/**
 * What clients' JSON costs the event loop: `npx node test/security/costly-json-times.ts`. Milliseconds, best of five, for each
 * step of a message: weighing, parsing and checking, writing for the upstream. Refused rows cost only the weighing.
 */
import { MAX_JSON_DEPTH, parseClientJson } from "../../src/core/kernel/json.ts";
import { CALLER_JSON, isTooHeavy, STRANGER_JSON } from "../../src/core/kernel/json-weight.ts";
import { COSTLY_JSON, costlyConnect, LONG_TEXTS } from "../support/recordings/costly-json.ts";

const keys = (count: number, name: string) => Array.from({ length: count }, (_, at) => `"${name}${at}":1`).join();

/** The most expensive accepted message. */
const JUST_TAKEN: Readonly<Record<string, string>> = {
  "75,000 empty lists": `[${Array(74_999).fill("[]").join()}]`,
  "75,000 empty objects": `[${Array(74_999).fill("{}").join()}]`,
  "150,000 numbers": `[${Array(149_999).fill("1.5").join()}]`,
  "150,000 strings": `[${Array.from({ length: 149_999 }, (_, at) => `"${at}"`).join()}]`,
  "10,000 keys of one object": `{${keys(10_000, "k")}}`,
  "30,000 keys of three objects": `[${["a", "b", "c"].map((name) => `{${keys(9_990, name)}}`).join()}]`,
  "75,000 objects with the same key": `[${Array(74_799).fill('{"k":1}').join()}]`,
  "145,000 keys, the same 30 of each object": `[${Array(4_830)
    .fill(`{${keys(30, "k")}}`)
    .join()}]`,
  "4 million blanks": `[${" ".repeat(4_000_000)}]`,
  "25,000 objects with a key of its own each": `[${Array.from({ length: 24_999 }, (_, at) => `{"k${at}":1}`).join()}]`,
};

function best(work: () => unknown): string {
  const times = Array.from({ length: 5 }, () => {
    const startedAt = performance.now();
    work();
    return performance.now() - startedAt;
  });
  return Math.min(...times).toFixed(1);
}

const rows = Object.entries({
  ...COSTLY_JSON,
  ...JUST_TAKEN,
  ...LONG_TEXTS,
  "59 KiB connect": costlyConnect("scopes"),
});
console.table(
  rows.map(([name, text]) => {
    const bounds = name === "59 KiB connect" ? STRANGER_JSON : CALLER_JSON;
    const bytes = Buffer.from(text);
    const value = parseClientJson(text, bounds);
    return {
      name,
      MiB: (bytes.length / 1_048_576).toFixed(1),
      taken: value !== undefined,
      decode: best(() => bytes.toString("utf8")),
      weigh: best(() => isTooHeavy(text, bounds, MAX_JSON_DEPTH)),
      "weigh, parse, check": best(() => parseClientJson(text, bounds)),
      write: value === undefined ? "" : best(() => JSON.stringify(value)),
    };
  }),
);
