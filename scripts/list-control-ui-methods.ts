/**
 * Compares an installed Control UI with this gateway: the methods its scripts name, and what the gateway does with each. Run it
 * on a new OpenClaw release before you change the pin in protocol/openclaw/wire.ts. The first argument names another directory.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { methods } from "../src/faces/openclaw/methods/methods.ts";
import { emptyMethods } from "../src/faces/openclaw/methods/methods-empty.ts";

const directory = resolve(process.argv[2] ?? fileURLToPath(new URL("../.sluice/control-ui", import.meta.url)));
const assets = join(directory, "assets");

/** How the scripts name a method: in a request, or in a request's description. */
const NAMED = /(?:request(?:Snapshot)?|method)(?:\(|:)\s*[`"']([a-zA-Z-]+(?:\.[a-zA-Z-]+)*)[`"']/g;
/** Words in the page that look like methods and are not. */
const OTHERS = /^(?:[A-Z].*|[a-z]+|.*-.*)$/;
const ONE_WORD = new Set(["agent", "health", "status"]);

if (!existsSync(assets)) {
  console.error(`There is no Control UI in ${directory}; get one with npm run control-ui.`);
  process.exit(1);
}

const named = new Set<string>();
for (const file of readdirSync(assets).filter((name) => name.endsWith(".js"))) {
  const script = readFileSync(join(assets, file), "utf8");
  for (const [, name = ""] of script.matchAll(NAMED)) {
    if (!OTHERS.test(name) || ONE_WORD.has(name)) named.add(name);
  }
  // Some methods are selected by an expression before the request.
  for (const name of methods.keys()) if (script.includes(`\`${name}\``)) named.add(name);
}

const empty = new Set(emptyMethods.map(({ name }) => name));
const show = (title: string, names: readonly string[]) => {
  console.log(`\n${title} (${names.length})`);
  for (const name of [...names].sort()) console.log(`  ${name}`);
};
const has = [...named].filter((name) => methods.has(name));
show(
  "named by the page, works",
  has.filter((name) => !empty.has(name)),
);
show(
  "named by the page, empty on purpose",
  has.filter((name) => empty.has(name)),
);
show(
  "named by the page, refused",
  [...named].filter((name) => !methods.has(name)),
);
show(
  "here for other clients",
  [...methods.keys()].filter((name) => !named.has(name)),
);
