import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { typesOf } from "./schema-types.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PROJECT = join(ROOT, "tsconfig.declarations.json");
/** Inferred by zod in the sources, which says nothing to a reader: spelled out in the package, as the type of the file. */
const CONFIG_FILE = "src/config/schema.d.ts";

/**
 * Writes the declarations of what the package exports, tsconfig.declarations.json's files, into a directory: theirs and
 * those they refer to. Throws with the compiler's errors.
 */
export function writeDeclarations(directory: string): void {
  const emitted = mkdtempSync(join(tmpdir(), "sluice-types-"));
  try {
    const compiler = join(ROOT, "node_modules/.bin/tsc");
    execFileSync(compiler, ["-p", PROJECT, "--outDir", emitted], { stdio: ["ignore", "inherit", "inherit"] });
    const { files }: { files: string[] } = JSON.parse(readFileSync(PROJECT, "utf8"));
    rmSync(directory, { recursive: true, force: true });
    const written = new Set<string>();
    for (const file of files) write(file.replace(/\.ts$/, ".d.ts"), { emitted, directory, written });
  } finally {
    rmSync(emitted, { recursive: true, force: true });
  }
}

/** Makes the declarations in a directory name the built files, which a reader's compiler of any version finds. */
export function nameBuiltFiles(directory: string): void {
  for (const name of globSync("**/*.d.ts", { cwd: directory })) {
    const path = join(directory, name);
    writeFileSync(path, asBuilt(readFileSync(path, "utf8")));
  }
}

const IMPORTED = /((?:from|import\()\s*"\.[^"]*)\.ts"/g;
const asBuilt = (text: string): string => text.replace(IMPORTED, '$1.js"');

interface Places {
  readonly emitted: string;
  readonly directory: string;
  readonly written: Set<string>;
}

function write(file: string, places: Places): void {
  if (places.written.has(file)) return;
  places.written.add(file);
  const text = file === CONFIG_FILE ? configFile() : readFileSync(join(places.emitted, file), "utf8");
  const path = join(places.directory, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, asBuilt(text));
  for (const [, name = ""] of text.matchAll(/(?:from|import\()\s*"(\.[^"]*)\.ts"/g)) {
    write(join(dirname(file), `${name}.d.ts`), places);
  }
}

const configFile = (): string =>
  typesOf("ConfigFile", JSON.parse(readFileSync(join(ROOT, "sluice.config.schema.json"), "utf8")));
