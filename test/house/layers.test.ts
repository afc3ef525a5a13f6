import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** The imports allowed to a part besides itself: other parts, `node:` modules, packages by name. */
interface Rule {
  readonly parts: readonly string[];
  readonly node: boolean;
  readonly packages: readonly string[];
}

const CORE = ["core", "protocol"];
const RULES: Readonly<Record<string, Rule>> = {
  protocol: { parts: [], node: false, packages: ["zod"] },
  core: { parts: ["protocol"], node: false, packages: [] },
  dialects: { parts: CORE, node: false, packages: [] },
  "faces/ai-sdk": { parts: [...CORE, "faces/chat"], node: true, packages: ["zod"] },
  "faces/api": { parts: CORE, node: true, packages: [] },
  "faces/chat": { parts: CORE, node: true, packages: [] },
  "faces/http-streams": { parts: CORE, node: true, packages: [] },
  "faces/openclaw": { parts: [...CORE, "faces/chat"], node: true, packages: ["zod"] },
  "faces/pass-through": { parts: CORE, node: false, packages: [] },
  "faces/stream": { parts: CORE, node: true, packages: [] },
  "faces/usage": { parts: CORE, node: false, packages: [] },
  upstream: { parts: CORE, node: true, packages: ["eventsource-parser"] },
  transport: { parts: CORE, node: true, packages: ["ws"] },
  storage: { parts: CORE, node: true, packages: ["pg"] },
  cluster: { parts: CORE, node: true, packages: ["@redis/client"] },
  observe: { parts: CORE, node: true, packages: ["pino", "prom-client"] },
  config: { parts: CORE, node: true, packages: ["zod"] },
  demo: { parts: CORE, node: true, packages: [] },
  page: { parts: CORE, node: true, packages: [] },
  client: { parts: ["protocol"], node: false, packages: ["react"] },
  compose: {
    parts: [
      ...CORE,
      ...["cluster", "config", "demo", "dialects", "observe", "page", "storage", "transport", "upstream"],
      ...[
        "faces/ai-sdk",
        "faces/api",
        "faces/http-streams",
        "faces/openclaw",
        "faces/pass-through",
        "faces/stream",
        "faces/usage",
      ],
    ],
    node: true,
    packages: [],
  },
  workers: {
    parts: [...CORE, "config", "observe", "storage", "transport", "compose"],
    node: true,
    packages: [],
  },
  cli: { parts: [...CORE, "config", "observe", "storage", "compose", "workers"], node: true, packages: [] },
};

/** The rooms of a part form a line: each may import those before it. Files beside the rooms may import them all. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  core: [
    "kernel",
    "usage",
    "dialect",
    "log",
    "stream",
    "ledger",
    "caller",
    "ports",
    "targets",
    "quota",
    "relay",
    "running",
    "pass-through",
    "probe",
  ],
  dialects: ["reading", "gemini", "refusals"],
  "faces/ai-sdk": ["messages", "frames", "answers"],
  "faces/api": ["request", "socket"],
  "faces/openclaw": ["clients", "files", "sessions", "runs", "methods", "connect"],
  transport: ["admit", "auth", "http", "nodes", "ws"],
  upstream: ["policy", "body", "http1", "call", "pass-through"],
  cluster: ["link", "streams", "listing", "caps", "keys", "leadership"],
  storage: ["logs", "sharing", "sqlite", "postgres", "transcripts", "ledger", "keys", "copy"],
};
const MAX_LINES = 250;
const MAX_FILES = 20;

const sourcesIn = (...folders: readonly string[]) =>
  folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join(folder, name)),
  );
const files = sourcesIn("protocol", "src");

/** The part of a file: `src/faces/stream/face.ts` → `faces/stream`. A file directly in `src` may import everything. */
function partOf(file: string): string {
  const [top, second, third, ...rest] = file.split("/");
  if (top === "protocol") return "protocol";
  if (third === undefined) return "roof";
  return second === "faces" && rest.length > 0 ? `faces/${third}` : (second ?? "");
}

/** The room of a file within its part; undefined for a file beside the rooms. */
function roomOf(file: string): string | undefined {
  const [room, ...rest] = relative(join("src", partOf(file)), file).split("/");
  return rest.length > 0 ? room : undefined;
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  return [...source.matchAll(/(?:from\s+|import\s*\(\s*|^import\s+)"([^"]+)"/gm)].map((match) => match[1] ?? "");
}

/** The rule that this import breaks, or undefined. */
function violation(file: string, imported: string): string | undefined {
  const part = partOf(file);
  const rule = RULES[part];
  if (part === "roof") return undefined;
  if (!rule) return `${file} stands in a part without a rule`;
  if (imported.startsWith("node:")) return rule.node ? undefined : `${file} imports ${imported}`;
  if (!imported.startsWith(".")) return rule.packages.includes(imported) ? undefined : `${file} imports ${imported}`;
  const path = relative(root, resolve(root, dirname(file), imported));
  const target = partOf(path);
  if (target !== part) return rule.parts.includes(target) ? undefined : `${file} imports ${target} (${imported})`;
  return isBackwards(part, roomOf(file), roomOf(path)) ? `${file} imports ${path}, a later room` : undefined;
}

function isBackwards(part: string, from: string | undefined, to: string | undefined): boolean {
  const line = LINES[part];
  if (!line || from === undefined || from === to) return false;
  return to === undefined || line.indexOf(to) > line.indexOf(from) || !line.includes(from);
}

/** Import cycles, direct or through other files. */
function circles(): string[][] {
  const arrows = new Map(
    files.map((file) => [
      file,
      importsOf(file)
        .filter((name) => name.startsWith("."))
        .map((name) => join(dirname(file), name)),
    ]),
  );
  const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
    (arrows.get(from) ?? []).some((next) => {
      if (next === to) return true;
      if (seen.has(next)) return false;
      seen.add(next);
      return reaches(next, to, seen);
    });
  return files.filter((file) => reaches(file, file)).map((file) => [file]);
}

describe("the layers", () => {
  test("every file imports only what its room may import", () => {
    const violations = files.flatMap((file) => importsOf(file).map((name) => violation(file, name)));
    expect(files.length).toBeGreaterThan(20);
    expect(violations.filter((found) => found !== undefined)).toEqual([]);
  });

  test("a sibling import, a package and a node module in the core are caught", () => {
    expect(violation("src/faces/stream/x.ts", "../openclaw/face.ts")).toContain("faces/openclaw");
    expect(violation("src/core/x.ts", "zod")).toContain("zod");
    expect(violation("src/core/x.ts", "node:fs")).toContain("node:fs");
    expect(violation("src/core/x.ts", "../transport/server.ts")).toContain("transport");
    expect(violation("src/transport/ws/x.ts", "../../core/kernel/errors.ts")).toBeUndefined();
  });

  test("an import of a later room, or of a file beside the rooms, is caught", () => {
    expect(violation("src/core/kernel/x.ts", "../relay/relay.ts")).toContain("a later room");
    expect(violation("src/upstream/body/x.ts", "../upstream.ts")).toContain("a later room");
    expect(violation("src/core/relay/x.ts", "../kernel/errors.ts")).toBeUndefined();
    expect(violation("src/upstream/upstream.ts", "./call/call.ts")).toBeUndefined();
  });

  test("no files import each other in a circle", () => {
    expect(circles()).toEqual([]);
  });

  test("main.ts and embed.ts, the two ways in, alone read the process", () => {
    const readers = files.filter((file) => /\bprocess\.[a-z]/.test(readFileSync(join(root, file), "utf8")));
    expect(readers.sort()).toEqual(["src/embed.ts", "src/main.ts"]);
  });

  test(`no source file is longer than ${MAX_LINES} lines`, () => {
    const long = files.filter((file) => readFileSync(join(root, file), "utf8").split("\n").length > MAX_LINES + 1);
    expect(long).toEqual([]);
  });

  test(`no folder of sources, tests or benchmarks holds more than ${MAX_FILES} files`, () => {
    const counts = new Map<string, number>();
    for (const file of [...files, ...sourcesIn("test", "bench", "scripts")])
      counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
    expect([...counts].filter(([, count]) => count > MAX_FILES)).toEqual([]);
  });
});
