/**
 * Recordings and schemas that lie beside some checkouts and in no clone. Suites over them complement those over
 * `test/recordings`; without the folder they report that they were skipped. Only this file may look outside the repository, so
 * that `jest --findRelatedTests` on it runs exactly the suites with more to do.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Part of the name of everything skipped without the folder. */
export const NOT_HERE = "skipped: ../shared is not here";

/** The path of a file or folder of the outer corpus; undefined if it is missing. */
export function outerPath(name: string): string | undefined {
  const path = fileURLToPath(new URL(`../../../../shared/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}

/** The JSON in a file of the outer corpus, whose shape the caller knows; undefined if it is missing. */
export function readOuter<Shape>(name: string): Shape | undefined {
  const path = outerPath(name);
  return path === undefined ? undefined : (JSON.parse(readFileSync(path, "utf8")) as Shape);
}
