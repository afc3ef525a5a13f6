import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { untypable } from "../support/browser/typable.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const PAGES = globSync(["README.md", "docs/**/*.md", "protocol/*.md", "bench/*.md"], { cwd: root });

/** The code blocks of a page in these languages. */
function blocksIn(page: string, languages: string): readonly string[] {
  const blocks = new RegExp(`^( *)\`\`\`(?:${languages})\\n(.*?)^\\1\`\`\``, "gms");
  return [...readFileSync(`${root}${page}`, "utf8").matchAll(blocks)].map(([, , block = ""]) => block);
}

/** The `sluice …` of a page that a reader types: in blocks for a shell, and in the text. */
function typedIn(page: string): readonly string[] {
  const lines = blocksIn(page, "sh|console").flatMap((block) => block.replaceAll("\\\n", " ").split("\n"));
  const inText = [
    ...readFileSync(`${root}${page}`, "utf8").matchAll(/`((?:npm run (?:--silent )?)?sluice [a-z-][^`]*)`/g),
  ];
  return [...lines, ...inText.map(([, text = ""]) => text.replaceAll("\n", " "))].flatMap((line) => {
    const [, , given = ""] =
      /(?:^|\$ |\$\(|&& )\s*(npm run (?:--silent )?)?sluice((?: [^#()&|>;]*)?)/.exec(line.trim()) ?? [];
    const words = given.replace(/^ --(?= |$)/, "").trim();
    // A placeholder for any command or options.
    return words === "" || /…|^<|\[|^:/.test(words) ? [] : [`sluice ${words.replace(/\s+/g, " ")}`];
  });
}

const typed = PAGES.map((page) => [page, typedIn(page)] as const).filter(([, lines]) => lines.length > 0);

test("the pages show commands", () => {
  expect(typed.map(([page]) => page)).toEqual(
    expect.arrayContaining(["docs/keys.md", "docs/operate.md", "docs/usage.md"]),
  );
  expect(typed.flatMap(([, lines]) => lines).length).toBeGreaterThan(15);
});

test.each(typed)("every sluice command of %s can be typed", async (_, lines) => {
  expect(await untypable(lines)).toEqual([]);
});

const isFile = (file: string): boolean => statSync(`${root}${file}`).isFile();

/** The scripts of the package that a text runs; `npm start` and `npm test` run one too. */
const scriptsIn = (text: string): readonly string[] =>
  [...text.matchAll(/\bnpm (?:run (?:--silent |-s )?([\w:-]+)|(start|test)\b)/g)].map(
    ([, script, runner]) => script ?? runner ?? "",
  );

/** What of a text names scripts or tests that there are not. */
function strangeIn(text: string, scripts: Readonly<Record<string, string>>): readonly string[] {
  const tests = [...text.matchAll(/\bnpm test (?:-- )?(test\/[\w./-]+)/g)].map(([, path = ""]) => path);
  return [
    ...scriptsIn(text).filter((name) => !Object.hasOwn(scripts, name)),
    ...tests.filter((path) => !existsSync(`${root}${path}`)),
  ];
}

const { scripts } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const textOf = (page: string): string => readFileSync(`${root}${page}`, "utf8");

test("every npm script of the pages is one of package.json, and every test they run exists", () => {
  expect(strangeIn("npm run nope\nnpm run --silent lint; npm test -- test/nope && npm start", scripts)).toEqual([
    "nope",
    "test/nope",
  ]);
  const pages = [...PAGES, ...globSync(["deploy/**", "test/**/*.md"], { cwd: root }).filter(isFile)];
  expect(pages.flatMap((page) => scriptsIn(textOf(page))).length).toBeGreaterThan(40);
  expect(pages.map((page) => [page, strangeIn(textOf(page), scripts)])).toEqual(pages.map((page) => [page, []]));
});

/** The files that calls of docker in a text need: their Dockerfiles and compose files. Mounts are the reader's own. */
function dockerFilesIn(text: string): readonly string[] {
  const calls = text.replaceAll("\\\n", " ").matchAll(/\bdocker (build|compose)\b([^\n`]*)/g);
  return [...calls].flatMap(([, command, rest = ""]) => {
    const files = [...rest.matchAll(/ (?:-f|--file)[ =](\S+)/g)].map(([, file = ""]) => file);
    const context = command === "build" ? (rest.trim().split(/\s+/).at(-1) ?? "") : "";
    return files.length > 0 ? files : [join(context, command === "build" ? "Dockerfile" : "compose.yaml")];
  });
}

test("every docker command of the pages finds its files, and the image copies only what is there", () => {
  const nope = "docker compose up\ndocker build -t x \\\n  nope\ndocker build -f other -t x .";
  expect(dockerFilesIn(nope)).toEqual(["compose.yaml", "nope/Dockerfile", "other"]);
  const files = [...PAGES, "deploy/compose.yaml"].flatMap((page) => dockerFilesIn(textOf(page)));
  expect(files).toEqual(expect.arrayContaining(["Dockerfile", "deploy/compose.yaml"]));
  const copied = [...textOf("Dockerfile").matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, list = ""]) =>
    list.split(" "),
  );
  expect(copied).toContain("src");
  expect([...files, ...copied].filter((file) => !existsSync(`${root}${file}`))).toEqual([]);
});

const calls = PAGES.flatMap((page) =>
  blocksIn(page, "sh")
    .filter((block) => /^curl .*127\.0\.0\.1:18789/m.test(block))
    .map((block) => [page, block] as const),
);

test.each(calls)("the calls of %s are answered by a gateway: %s", async (_, block) => {
  await using gateway = await startTestGateway({ config: { demo: true } });
  const port = new URL(gateway.url).port;
  const script = `curl() { command curl --fail-with-body --silent --show-error "$@"; }\n${block.replaceAll(":18789", `:${port}`)}`;
  const shell = spawn("bash", ["-eu", "-c", script], { stdio: ["ignore", "pipe", "pipe"] });
  let written = "";
  for (const stream of [shell.stdout, shell.stderr]) stream.on("data", (piece) => (written += String(piece)));
  const [code] = await once(shell, "close");
  expect([code, written]).toEqual([0, expect.stringMatching(/\S/)]);
});
