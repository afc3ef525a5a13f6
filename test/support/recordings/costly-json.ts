const MIB = 1_048_576;

const list = (member: string, count: number): string => `[${Array(count).fill(member).join()}]`;
const keys = (count: number): string => `{${Array.from({ length: count }, (_, at) => `"k${at}":1`).join()}}`;

/** JSON that costs far more to read than its length suggests, each as large as some face accepts. */
export const COSTLY_JSON: Readonly<Record<string, string>> = {
  "16 MiB of empty lists": list("[]", 5_600_000),
  "16 MiB of empty objects": list("{}", 5_600_000),
  "3.9 MB of empty lists": list("[]", 1_300_000),
  "99,000 keys of one object": keys(99_000),
  "99,000 objects with a key of its own each": `[${Array.from({ length: 99_000 }, (_, at) => `{"k${at}":1}`).join()}]`,
  "the same key a million times": `{${Array(1_000_000).fill('"k":1').join()}}`,
  "two million numbers": list("1", 2_000_000),
  "two million strings": list('"a"', 2_000_000),
  "a number of 16 MiB": "1".repeat(16 * MIB),
  "16 MiB of blanks": `${" ".repeat(16 * MIB)}1`,
  "a million levels": "[".repeat(1_000_000) + "]".repeat(1_000_000),
  "16 MiB of brackets that never close": "[".repeat(16 * MIB),
  "16 MiB of commas": `[${",".repeat(16 * MIB)}]`,
};

/** Harmless JSON: one long text, like pictures and documents. */
export const LONG_TEXTS: Readonly<Record<string, string>> = {
  "16 MiB of letters": JSON.stringify({ text: "a".repeat(16 * MIB) }),
  "16 MiB of line ends": `{"text":"${"\\n".repeat(8 * MIB)}"}`,
  "16 MiB of escaped letters": `{"text":"${"\\u0041".repeat(2_800_000)}"}`,
  "16 MiB of quotes": `{"text":"${'\\"'.repeat(8 * MIB)}"}`,
  "16 MiB of backslashes": `{"text":"${"\\\\".repeat(8 * MIB)}"}`,
  "JSON in JSON": JSON.stringify({ text: JSON.stringify(Array(400_000).fill({ path: "src/main.ts", line: 12 })) }),
};

/** A stranger's first frame to OpenClaw, 59 KiB, that must be refused. */
export const costlyConnect = (field: "scopes" | "caps"): string =>
  JSON.stringify({
    type: "req",
    id: "1",
    method: "connect",
    params: {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: "x", version: "1", platform: "linux", mode: "cli" },
      [field]: Array(29_000).fill(0),
    },
  });
