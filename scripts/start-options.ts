import { readFileSync } from "node:fs";

/** Node's options as `npm start` gives them: what runs the gateway as a process of its own runs it as users do. */
export function startOptions(): readonly string[] {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return String(manifest.scripts.start)
    .split(" ")
    .filter((word) => word.startsWith("--"));
}
