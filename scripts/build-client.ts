/** Builds `sluice/client` and `sluice/client/react` for browsers and Node: node scripts/build-client.ts [directory] */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
/** The entry points, and the names of their builds. */
const ENTRIES = { index: "src/client/index.ts", react: "src/client/react.ts" };

/**
 * Writes `index.js` and `react.js`, ES modules that import nothing but React, and their declarations into a directory,
 * which is emptied first. Throws with the compiler's output.
 */
export async function buildClient(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  await build({
    absWorkingDir: ROOT,
    entryPoints: ENTRIES,
    outdir: directory,
    bundle: true,
    format: "esm",
    platform: "browser",
    // Node 20, and the browsers of its year.
    target: ["node20", "chrome111", "firefox113", "safari16.4"],
    external: ["react"],
    minify: true,
    keepNames: false,
    sourcemap: "linked",
    legalComments: "none",
    logLevel: "warning",
  });
  declare(directory);
}

function declare(directory: string): void {
  const compiler = join(ROOT, "node_modules/typescript/bin/tsc");
  const types = join(directory, "types");
  const options = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--rootDir", ROOT, "--outDir", types];
  const args = [compiler, "-p", join(ROOT, "tsconfig.client.json"), ...options];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`the client's declarations: ${stdout}${stderr}`);
  for (const [name, source] of Object.entries(ENTRIES)) {
    writeFileSync(join(directory, `${name}.d.ts`), `export * from "./types/${source.replace(/ts$/, "js")}";\n`);
  }
}

if (import.meta.main) await buildClient(process.argv[2] ?? join(ROOT, "dist/client"));
