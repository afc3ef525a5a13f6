/** `npm run agents`: every client of docs/agents.md follows its page and takes a whole turn through the gateway. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startSluice } from "../support/sluice-process.ts";
import { documentedClients } from "./documented.ts";
import { startAgentProvider } from "./provider.ts";
import { takeTurn } from "./turn.ts";

const { values } = parseArgs({ options: { only: { type: "string", multiple: true }, keep: { type: "string" } } });
const clients = documentedClients().filter(({ name }) => values.only?.includes(name) ?? true);
const key = "sk-sluice-of-the-agents-0123456789";
const root = values.keep ?? mkdtempSync(join(tmpdir(), "sluice-agents-"));
const packages = join(root, "packages");
mkdirSync(packages, { recursive: true });
writeFileSync(join(packages, "package.json"), `{ "private": true, "type": "module" }\n`);
const wanted = clients.flatMap((client) => client.packages);
console.log(`installing ${wanted.length} packages in ${packages}`);
execFileSync("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", ...wanted], {
  cwd: packages,
  stdio: "inherit",
});

const failed: string[] = [];
for (const client of clients) {
  const word = `heliotrope${Math.trunc(Math.random() * 1e6)}`;
  await using provider = await startAgentProvider("cat word.txt");
  const route = (dialect: string, path = "") => ({
    dialect,
    baseUrl: provider.url + path,
    key: "sk-upstream-key",
    passModels: true,
  });
  await using sluice = await startSluice({
    data: { store: "memory" },
    auth: { token: key },
    routes: {
      anthropic: route("anthropic-messages"),
      openai: route("openai-responses", "/v1"),
      "openai-chat": route("openai-chat", "/v1"),
    },
  });
  const directory = mkdtempSync(join(root, "turn-"));
  const turn = await takeTurn(client, {
    directory,
    packages,
    gateway: { url: sluice.url, key },
    word,
    timeoutMs: 120_000,
  });
  // An agent prints what its tool read; an SDK prints the model's text.
  const expected = client.block.language === "sh" ? word : "The tool printed";
  const passed = turn.exit === 0 && turn.output.includes(expected);
  const calls = provider.asked.map(({ path, body }) => `${path} ${body.model ?? ""}`.trim());
  console.log(
    `${passed ? "passed" : "FAILED"}  ${client.name}  ${Math.round(turn.ms)} ms, upstream: ${calls.join(", ")}`,
  );
  if (!passed) {
    failed.push(client.name);
    console.log(`  exit ${turn.exit}\n${turn.output}\n${sluice.stdout}${sluice.stderr}`);
  }
  rmSync(directory, { recursive: true, force: true });
}
if (values.keep === undefined) rmSync(root, { recursive: true, force: true });
console.log(`${clients.length - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
