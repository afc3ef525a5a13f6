import { existsSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

/** From a build, where this is `dist/src`, the built client; from the sources, the client's. */
const CLIENT = new URL("../client/", import.meta.url);
/** The module that the page imports. */
const ENTRY = "index.js";

/**
 * The client's modules as a browser takes them, by file name: `index.js`, and from the sources what it imports, under the
 * names that the sources say. Those lose their types as Node takes them away, so the page needs no build.
 */
export function clientFiles(): ReadonlyMap<string, string> {
  const built = new URL(ENTRY, CLIENT);
  if (existsSync(built)) return new Map([[ENTRY, readFileSync(built, "utf8")]]);
  const files = new Map<string, string>();
  const add = (name: string, source: string): void => {
    if (files.has(name)) return;
    const text = stripTypeScriptTypes(readFileSync(new URL(source, CLIENT), "utf8"));
    files.set(name, text);
    for (const [, imported = ""] of text.matchAll(/ from ["']\.\/([\w-]+\.ts)["']/g)) add(imported, imported);
  };
  add(ENTRY, "index.ts");
  return files;
}
