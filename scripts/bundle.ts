import { chmodSync, cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { basename, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const STATIC = "src/page/static";

/**
 * Takes Node's modules as they are, and of an import only the names it uses. esbuild would look at every export, which
 * loads what Node defers: behind those of `node:http` a second HTTP client, behind those of `node:util` its threads.
 */
const nodeModules: Plugin = {
  name: "node-modules",
  setup({ onResolve, onLoad }) {
    const names = new RegExp(`^(node:.+|${builtinModules.join("|")})$`);
    onResolve({ filter: names }, ({ path, kind }) => ({
      path,
      namespace: kind === "require-call" ? "node-required" : "node-imported",
    }));
    const taken = (path: string) => `process.getBuiltinModule(${JSON.stringify(path)})`;
    onLoad({ filter: /.*/, namespace: "node-required" }, ({ path }) => ({
      contents: `module.exports = ${taken(path)};`,
    }));
    onLoad({ filter: /.*/, namespace: "node-imported" }, ({ path }) => ({
      contents: [
        `const all = ${taken(path)};`,
        "const of = (name) => all[name];",
        "export default all;",
        ...exportsOf(path).map((name) => `export const ${name} = /* @__PURE__ */ of("${name}");`),
      ].join("\n"),
    }));
  },
};

/** Keeps of a package's manifest, which Redis' client loads for its version, only that: the rest is scripts and dependencies. */
const manifests: Plugin = {
  name: "manifests",
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]node_modules[\\/].*[\\/]package\.json$/ }, ({ path }) => {
      const { version } = JSON.parse(readFileSync(path, "utf8"));
      return { contents: JSON.stringify({ version }), loader: "json" };
    });
  },
};

/** The names that a module of Node exports, but for the default. */
function exportsOf(path: string): readonly string[] {
  const names = Object.keys(process.getBuiltinModule(path) ?? {});
  return names.filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && name !== "default");
}

/**
 * Bundles the gateway and its threads' programs with their packages into a directory's `src`, which reads a few files at
 * the start rather than hundreds. Names stay as they are and lines are short, so that stack traces can be read; source
 * maps lie beside the files. Also writes the pages' files and the licences of the packages. Rejects with the compiler's errors.
 */
export async function bundle(directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  const outdir = join(directory, "src");
  const threads = globSync("src/storage/**/*-{worker,service}.ts", { cwd: ROOT });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    // Side by side: a thread's program is found beside the file that starts it.
    entryPoints: ["src/main.ts", "src/embed.ts", ...threads].map((file) => ({ in: file, out: basename(file, ".ts") })),
    outdir,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    sourcemap: "linked",
    // Without comments: one beyond ASCII doubles the text that V8 keeps.
    minifyWhitespace: true,
    lineLimit: 120,
    legalComments: "none",
    plugins: [nodeModules, manifests],
    metafile: true,
    logLevel: "warning",
  });
  if (existsSync(join(ROOT, STATIC))) cpSync(join(ROOT, STATIC), join(outdir, "static"), { recursive: true });
  writeFileSync(join(directory, "licences.txt"), licencesOf(Object.keys(metafile.inputs)));
  // The package's command.
  chmodSync(join(outdir, "main.js"), 0o755);
}

/** Builds `sluice/protocol` into a directory's `protocol`, for Node and browsers. It leaves zod to the package that imports it. */
export async function bundleProtocol(directory: string): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: ["protocol/index.ts"],
    outdir: join(directory, "protocol"),
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "neutral",
    target: "es2022",
    logLevel: "warning",
  });
}

/** The licences of the packages that these files are from. */
function licencesOf(files: readonly string[]): string {
  const folders = new Set(files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  return [...folders].sort().map(licenceOf).join("\n\n");
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8"));
  const [file] = globSync("{LICEN[CS]E,licen[cs]e}*", { cwd: join(ROOT, folder) });
  const text = file === undefined ? "" : readFileSync(join(ROOT, folder, file), "utf8");
  return `${name} ${version}: ${license}\n\n${text}`;
}
