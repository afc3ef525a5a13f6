import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "@jest/globals";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The one file that looks beside the checkout, and says so when nothing is there. */
const OUTER = "test/support/outer-corpus.ts";

const files = ["bench", "examples", "protocol", "scripts", "src", "test"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name)),
);

/** Paths that a source names from its own place: what it imports, and `new URL("…", import.meta.url)`. */
function namedIn(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  const found = source.matchAll(
    /(?:from|import)\s*\(?\s*"(\.[^"]+)"|new URL\(\s*["`]([^"`]+)["`]\s*,\s*import\.meta\.url/g,
  );
  return [...found].map(([, imported, named]) => imported ?? named ?? "");
}

test("nothing reads what lies outside of the repository, besides the suites over the outer corpus", () => {
  const outside = files.filter((file) =>
    namedIn(file).some((name) =>
      relative(root, fileURLToPath(new URL(name, pathToFileURL(join(root, file))))).startsWith(".."),
    ),
  );
  expect(files.length).toBeGreaterThan(200);
  expect(outside).toEqual([OUTER]);
});
