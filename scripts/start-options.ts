import { readFileSync } from "node:fs";

/** Node's options as in `npm start`, for whatever starts the gateway as a process the way users do. */
export function startOptions(): readonly string[] {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return String(manifest.scripts.start)
    .split(" ")
    .filter((word) => word.startsWith("--"));
}
