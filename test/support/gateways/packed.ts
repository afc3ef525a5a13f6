import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const TOP = ["package.json", "README.md", "LICENSE", "CHANGELOG.md", "deploy"];
const SCHEMAS = ["sluice.config.example.json", "sluice.config.schema.json"];

export interface Packed {
  /** The tarball. */
  readonly file: string;
  /** Paths of its files. */
  readonly files: readonly string[];
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

/** Builds and packs the package in `directory`, as `npm pack` does in the repository's root. */
export function pack(directory: string): Packed {
  const source = join(directory, "source");
  mkdirSync(source, { recursive: true });
  for (const name of [...TOP, ...SCHEMAS]) cpSync(join(ROOT, name), join(source, name), { recursive: true });
  const build = [join(ROOT, "scripts/build.ts"), join(source, "dist")];
  const built = spawnSync(process.execPath, build, { encoding: "utf8" });
  if (built.status !== 0) throw new Error(`the build failed: ${built.stderr}${built.stdout}`);
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", directory];
  const [told] = Object.values<PackReport>(JSON.parse(execFileSync("npm", args, { cwd: source, encoding: "utf8" })));
  if (!told) throw new Error("npm pack reported nothing");
  return {
    file: join(directory, told.filename),
    files: told.files.map(({ path }) => path),
    packedBytes: told.size,
    unpackedBytes: told.unpackedSize,
  };
}

interface PackReport {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

/**
 * Unpacks the tarball below a project's `node_modules`, beside what its manifest asks for, and `also`. Links stand for the
 * installed packages, so that nothing is fetched.
 */
export function install({ file }: Packed, project: string, also: readonly string[] = []): string {
  const place = join(project, "node_modules/sluice");
  mkdirSync(place, { recursive: true });
  execFileSync("tar", ["-xzf", file, "-C", place, "--strip-components=1"]);
  for (const name of ["zod", ...also]) {
    const link = join(project, "node_modules", name);
    mkdirSync(join(link, ".."), { recursive: true });
    symlinkSync(realpathSync(join(ROOT, "node_modules", name)), link);
  }
  return place;
}

/** The packages of this repository that contain a Node for some system. */
export const nodePackages = (): readonly string[] =>
  readdirSync(join(ROOT, "node_modules")).filter((name) => /^node-(linux|win)-/.test(name));

/** A Node of this machine that is older than the gateway needs and no older than the package accepts; undefined if there is none. */
export function olderNode(): string | undefined {
  const places = [...(process.env.PATH ?? "").split(delimiter), "/usr/bin", "/usr/local/bin"];
  return places
    .map((place) => join(place, "node"))
    .filter(existsSync)
    .find((path) => /^v2[0-3]\./.test(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout));
}
