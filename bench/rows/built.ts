import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

/** The gateway's program as `npm run build` leaves it. */
export const BUILT_PROGRAM = path("dist/src/main.js");

/** Why the built program is not this gateway, or undefined if it is. */
export function buildFault(): string | undefined {
  const builtMs = statSync(BUILT_PROGRAM, { throwIfNoEntry: false })?.mtimeMs;
  if (builtMs === undefined) return "not built: npm run build";
  const newestMs = Math.max(newestIn(path("src")), newestIn(path("protocol")), statSync(path("package.json")).mtimeMs);
  return newestMs > builtMs ? "built from older sources: npm run build" : undefined;
}

function newestIn(directory: string): number {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return Math.max(...names.map((name) => statSync(join(directory, name)).mtimeMs));
}
