import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "@jest/globals";

const root = fileURLToPath(new URL("../../", import.meta.url));
const IGNORED = new Set(["node_modules", ".git", "artifacts", "dist"]);

/** Every Markdown page below a folder that belongs to the repository. */
function pagesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return IGNORED.has(entry.name) || entry.name.startsWith(".") ? [] : pagesIn(path);
    return entry.name.endsWith(".md") ? [path] : [];
  });
}

/** A heading's anchor, as forges derive it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(" ", "-");

const proseOf = (path: string): string => readFileSync(path, "utf8").replace(/^```.*?^```/gms, "");

const anchorsOf = (path: string): string[] =>
  [...proseOf(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading));

/** The relative links of a page that lead nowhere. */
function brokenLinks(page: string): string[] {
  const targets = [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : join(dirname(page), path);
    if (!existsSync(file)) return true;
    return anchor !== undefined && file.endsWith(".md") && !anchorsOf(file).includes(anchor);
  });
}

const TOP = /^(?:src|test|protocol|bench|scripts|docs|examples)\//;

/** The files of this repository that a page names by their path from the root, and that are not there. */
function missingFiles(page: string): string[] {
  const named = [...proseOf(page).matchAll(/`([^`\s]+)`/g)].map(([, path = ""]) => path);
  return named.filter((path) => TOP.test(path) && !/[<*…]/.test(path) && !existsSync(join(root, path)));
}

const pages = pagesIn(root).map((path) => [relative(root, path), path] as const);

test.each(pages)("every file that %s names is there", (_, path) => {
  expect(missingFiles(path)).toEqual([]);
});

test.each(pages)("every link of %s leads to a file or a heading", (_, path) => {
  expect(brokenLinks(path)).toEqual([]);
});

test.each(pages)("every npm script that %s names is there", (_, path) => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const named = [...readFileSync(path, "utf8").matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map(
    ([, name = ""]) => name,
  );
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
});
