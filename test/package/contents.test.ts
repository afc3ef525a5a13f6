import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { install, type Packed, pack } from "../support/gateways/packed.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
/** About a fifth above what it is: more is a file too many. */
const MAX_PACKED_BYTES = 790_000;

/** Every file that the manifest names, at whatever depth. */
const named = (value: unknown): string[] =>
  typeof value === "string" ? [value] : Object.values(value ?? {}).flatMap(named);

describe("the package", () => {
  let packed: Packed;
  let place = "";
  beforeAll(() => {
    packed = pack(directory());
    place = install(packed, directory());
    console.info(
      `the package: ${packed.files.length} files, ${packed.packedBytes} bytes, unpacked ${packed.unpackedBytes}`,
    );
  });

  test("contains the build, the files to deploy and pages about them, and nothing else", () => {
    const kind = (path: string) =>
      path.replace(/^dist\/(src|types|protocol|client)\/.*/, "dist/$1/").replace(/^deploy\/.*/, "deploy/");
    expect([...new Set(packed.files.map(kind))].sort()).toEqual(
      [
        ...["CHANGELOG.md", "LICENSE", "README.md", "package.json", "sluice.config.example.json"],
        ...["sluice.config.schema.json", "deploy/", "dist/client/", "dist/licences.txt", "dist/protocol/"],
        ...["dist/src/", "dist/types/"],
      ].sort(),
    );
  });

  test("contains no source, no test and no source map", () => {
    const strange = packed.files.filter((path) => /(?<!\.d)\.tsx?$|\.test\.|\.map$|^(src|test|scripts)\//.test(path));
    expect(strange).toEqual([]);
  });

  test(`stays below ${MAX_PACKED_BYTES} bytes`, () => {
    expect(packed.packedBytes).toBeGreaterThan(100_000);
    expect(packed.packedBytes).toBeLessThan(MAX_PACKED_BYTES);
  });

  test("contains each file that its manifest names", () => {
    const { bin, exports } = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
    const paths = named({ bin, exports }).map((path) => path.replace(/^\.\//, ""));
    expect(paths.length).toBeGreaterThan(4);
    expect(paths.filter((path) => !packed.files.includes(path))).toEqual([]);
  });

  test("imports no package that its manifest does not ask for", () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
    const imported = packed.files
      .filter((path) => /^dist\/.*\.(js|d\.ts)$/.test(path) && !path.includes("/static/"))
      .flatMap((path) => [
        ...readFileSync(join(place, path), "utf8").matchAll(/(?:^|[;}\s])(?:from\s*|import\s*\(?\s*)"([^".][^"\n]*)"/g),
      ])
      .map(([, name = ""]) => name)
      .filter((name) => !name.startsWith("node:"));
    const asked = Object.keys({ ...dependencies, ...peerDependencies });
    // Redis' client would import it for a command that Sluice does not use.
    const unused = ["@node-rs/xxhash"];
    expect([...new Set(imported)].sort()).toEqual([...unused, "react", "zod"]);
    expect(asked).toEqual(expect.arrayContaining(["react", "zod"]));
  });

  test("has declarations that refer only to files in it", () => {
    const missing = packed.files
      .filter((path) => path.endsWith(".d.ts"))
      .flatMap((path) =>
        [...readFileSync(join(place, path), "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]*)"/g)].map(([, name = ""]) =>
          join(path, "..", name).replace(/\.js$/, ".d.ts"),
        ),
      )
      .filter((path) => !packed.files.includes(path));
    expect(missing).toEqual([]);
  });
});
