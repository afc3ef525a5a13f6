/**
 * `npm run agents`: every client of docs/agents.md follows its page and takes a whole turn through the gateway.
 * With `-- --situation cap` or `wrong-key` it counts the requests a client makes until it stops.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type DocumentedClient, documentedClients } from "./documented.ts";
import { meet, type Outcome, type Situation } from "./scenario.ts";

const SITUATIONS: readonly Situation[] = ["turn", "cap", "wrong-key"];
const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true },
    situation: { type: "string", default: "turn" },
    /** A directory that keeps the installed packages for the next run. */
    packages: { type: "string" },
  },
});
const situation = SITUATIONS.find((name) => name === values.situation);
const clients = documentedClients().filter(({ name }) => values.only?.includes(name) ?? true);
if (situation === undefined || clients.length === 0) {
  console.error(
    `situations: ${SITUATIONS.join(", ")}; clients: ${documentedClients()
      .map(({ name }) => name)
      .join(", ")}`,
  );
  process.exit(2);
}

const root = mkdtempSync(join(tmpdir(), "sluice-agents-"));
const packages = values.packages ?? join(root, "packages");
install(packages);
let failures = 0;
for (const client of clients) {
  const directory = mkdtempSync(join(root, "turn-"));
  const word = `heliotrope${Math.trunc(Math.random() * 1e6)}`;
  const outcome = await meet(client, { situation, directory, packages, word });
  const isRight = situation === "turn" ? tookItsTurn(client, outcome, word) : stopped(outcome);
  if (!isRight) failures += 1;
  const calls = `upstream ${outcome.upstream.length}: ${[...new Set(outcome.upstream)].join(", ") || "none"}`;
  const refusals = Object.entries(outcome.refused).map(([code, count]) => `${count} ${code}`);
  console.log(
    `${isRight ? "passed" : "FAILED"}  ${client.name}, ${Math.round(outcome.ms)} ms; ${outcome.faces.join(", ") || "no stream"}; ${calls}; refused: ${refusals.join(", ") || "none"}`,
  );
  if (!isRight) console.log(`  exit ${outcome.exit}\n${outcome.output}\n${outcome.log}`);
  rmSync(directory, { recursive: true, force: true });
}
rmSync(root, { recursive: true, force: true });
console.log(`${clients.length - failures} passed, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;

function install(directory: string): void {
  const wanted = documentedClients().flatMap((client) => client.packages);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "package.json"), `{ "private": true, "type": "module" }\n`);
  console.log(`installing ${wanted.length} packages in ${directory}`);
  const options = ["--no-audit", "--no-fund", "--loglevel=error"];
  execFileSync("npm", ["install", ...options, ...wanted], { cwd: directory, stdio: "inherit" });
}

/** An agent prints the word its tool read; an SDK prints the model's text. */
function tookItsTurn(client: DocumentedClient, { exit, output }: Outcome, word: string): boolean {
  return exit === 0 && output.includes(client.block.language === "sh" ? word : "The tool printed");
}

/** It ended in time, and asked no more than once for each thing it wanted: opencode wants a title besides its turn. */
function stopped({ exit, refused }: Outcome): boolean {
  return exit !== "SIGKILL" && Object.values(refused).reduce((sum, count) => sum + count, 0) <= 2;
}
