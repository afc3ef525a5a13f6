import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The packages that the product's sources import: what the build contains, whatever the manifest calls them. */
export function importedPackages(): readonly string[] {
  const names = globSync("{src,protocol}/**/*.ts", { cwd: ROOT }).flatMap((file) =>
    [...readFileSync(ROOT + file, "utf8").matchAll(/^(?:import|export)[^"]* from "([^".][^":]*)"/gm)].map(
      ([, name = ""]) => name,
    ),
  );
  return [...new Set(names)].filter((name) => !name.startsWith("node:")).sort();
}
