import { readFileSync, writeFileSync } from "node:fs";
import { runBench } from "./bench-run.ts";
import { readBenchCommand, USAGE } from "./command-line.ts";
import type { BenchDocument } from "./figures/document.ts";
import { fetchPeers } from "./peers/fetch.ts";
import { changesBetween, differencesOf, renderChanges } from "./report/compare.ts";
import { renderReport } from "./report/html.ts";
import { renderMarkdown } from "./report/markdown.ts";
import { renderPlot } from "./report/plot.ts";

const readDocument = (path = ""): BenchDocument => JSON.parse(readFileSync(path, "utf8")) as BenchDocument;

async function run(args: readonly string[]): Promise<void> {
  const [command, first, second] = args;
  if (args.includes("--help") || args.includes("-h")) process.stdout.write(USAGE);
  else if (command === "compare") {
    const [before, after] = [readDocument(first), readDocument(second)];
    const notes = differencesOf(before, after).map((note) => `${note}\n`);
    process.stdout.write(`${notes.join("")}${renderChanges(changesBetween(before, after))}\n`);
  } else if (command === "report") writeFileSync(second ?? "", renderReport(readDocument(first)));
  else if (command === "plot") writeFileSync(second ?? "", renderPlot(readDocument(first)));
  else if (command === "markdown") process.stdout.write(renderMarkdown(readDocument(first)));
  else if (command === "fetch") await fetchPeers(args.slice(1));
  else await runBench(readBenchCommand(args), `npm run bench -- ${args.join(" ")}`);
}

try {
  await run(process.argv.slice(2));
  process.exit();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
