import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "@jest/globals";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The only file that looks beside the checkout; it reports if nothing is there. */
const OUTER = "test/support/recordings/outer-corpus.ts";

const files = ["bench", "examples", "protocol", "scripts", "src", "test"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name)),
);

/** Relative paths in a source: its imports, and `new URL("…", import.meta.url)`. */
function namedIn(file: string): string[] {
  const source = readFileSync(join(root, file), "utf8");
  const found = source.matchAll(
    /(?:from|import)\s*\(?\s*"(\.[^"]+)"|new URL\(\s*["`]([^"`]+)["`]\s*,\s*import\.meta\.url/g,
  );
  return [...found].map(([, imported, named]) => imported ?? named ?? "");
}

test("nothing reads outside the repository, except the suites over the outer corpus", () => {
  const outside = files.filter((file) =>
    namedIn(file).some((name) =>
      relative(root, fileURLToPath(new URL(name, pathToFileURL(join(root, file))))).startsWith(".."),
    ),
  );
  expect(files.length).toBeGreaterThan(200);
  expect(outside).toEqual([OUTER]);
});
