import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** What a room may import besides itself: other rooms, `node:` modules, packages by name. */
interface Rule {
  readonly rooms: readonly string[];
  readonly node: boolean;
  readonly packages: readonly string[];
}

const CORE = ["core", "protocol"];
const RULES: Readonly<Record<string, Rule>> = {
  protocol: { rooms: [], node: false, packages: ["zod"] },
  core: { rooms: ["protocol"], node: false, packages: [] },
  dialects: { rooms: CORE, node: false, packages: [] },
  "faces/api": { rooms: CORE, node: true, packages: [] },
  "faces/http-streams": { rooms: CORE, node: true, packages: [] },
  "faces/openclaw": { rooms: CORE, node: true, packages: ["zod"] },
  "faces/stream": { rooms: CORE, node: true, packages: [] },
  "faces/usage": { rooms: CORE, node: false, packages: [] },
  upstream: { rooms: CORE, node: true, packages: ["eventsource-parser"] },
  transport: { rooms: CORE, node: true, packages: ["ws"] },
  storage: { rooms: CORE, node: true, packages: [] },
  observe: { rooms: CORE, node: true, packages: ["pino", "prom-client"] },
  commands: { rooms: [...CORE, "config", "storage"], node: true, packages: [] },
  config: { rooms: CORE, node: true, packages: ["zod"] },
  demo: { rooms: CORE, node: true, packages: [] },
  page: { rooms: CORE, node: true, packages: [] },
};

const files = ["protocol", "src"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name)),
);

/** The room of a file: `src/faces/stream/face.ts` → `faces/stream`; files directly in `src` are the roof. */
function roomOf(file: string): string {
  const [top, second, third, ...rest] = file.split("/");
  if (top === "protocol") return "protocol";
  if (third === undefined) return "roof";
  return second === "faces" && rest.length > 0 ? `faces/${third}` : (second ?? "");
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  return [...source.matchAll(/(?:from\s+|import\s*\(\s*|^import\s+)"([^"]+)"/gm)].map((match) => match[1] ?? "");
}

/** Why this import is against the rules, or undefined. */
function violation(file: string, imported: string): string | undefined {
  const room = roomOf(file);
  const rule = RULES[room];
  if (room === "roof") return undefined;
  if (!rule) return `${file} stands in a room without a rule`;
  if (imported.startsWith("node:")) return rule.node ? undefined : `${file} imports ${imported}`;
  if (!imported.startsWith(".")) return rule.packages.includes(imported) ? undefined : `${file} imports ${imported}`;
  const target = roomOf(relative(root, resolve(root, dirname(file), imported)));
  return target === room || rule.rooms.includes(target) ? undefined : `${file} imports ${target} (${imported})`;
}

describe("the layers", () => {
  test("every file keeps to what its room may import", () => {
    const violations = files.flatMap((file) => importsOf(file).map((name) => violation(file, name)));
    expect(files.length).toBeGreaterThan(20);
    expect(violations.filter((found) => found !== undefined)).toEqual([]);
  });

  test("a sibling import, a package and a node module in the core are caught", () => {
    expect(violation("src/faces/stream/x.ts", "../openclaw/face.ts")).toContain("faces/openclaw");
    expect(violation("src/core/x.ts", "zod")).toContain("zod");
    expect(violation("src/core/x.ts", "node:fs")).toContain("node:fs");
    expect(violation("src/core/x.ts", "../transport/server.ts")).toContain("transport");
    expect(violation("src/transport/x.ts", "../core/errors.ts")).toBeUndefined();
  });

  test("main.ts alone reads the process", () => {
    const readers = files.filter((file) => /\bprocess\.[a-z]/.test(readFileSync(join(root, file), "utf8")));
    expect(readers).toEqual(["src/main.ts"]);
  });

  test("no source file is longer than 250 lines", () => {
    const long = files.filter((file) => readFileSync(join(root, file), "utf8").split("\n").length > 251);
    expect(long).toEqual([]);
  });
});
