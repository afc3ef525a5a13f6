/**
 * Recordings and schemas that lie beside some checkouts and in no clone. Suites over them are an addition to those over
 * `test/recordings`: where the folder is missing they say that they were skipped. Only this file may look outside of the repository, so that
 * `jest --findRelatedTests` on it runs just the suites that have more to do where the folder is there.
 */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Stands in the name of whatever is skipped for want of the folder. */
export const NOT_HERE = "skipped: ../shared is not here";

/** The path of a file or folder of the outer corpus; undefined when it is not here. */
export function outerPath(name: string): string | undefined {
  const path = fileURLToPath(new URL(`../../../shared/${name}`, import.meta.url));
  return existsSync(path) ? path : undefined;
}

/** The JSON in a file of the outer corpus, whose shape the caller knows; undefined when it is not here. */
export function readOuter<Shape>(name: string): Shape | undefined {
  const path = outerPath(name);
  return path === undefined ? undefined : (JSON.parse(readFileSync(path, "utf8")) as Shape);
}
