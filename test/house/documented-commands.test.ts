import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";
import { startTestGateway } from "../support/gateway.ts";
import { untypable } from "../support/typable.ts";

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
