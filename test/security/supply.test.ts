import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { importedPackages } from "../support/imported-packages.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const REGISTRY = "https://registry.npmjs.org/";

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly hasInstallScript?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(read("package.json"));
const locked: [string, Locked][] = Object.entries(JSON.parse(read("package-lock.json")).packages);
/** What the product's sources import, with what that needs. The build contains it, so the manifest need not ask for it. */
const imported = importedPackages();
const needed = new Set(imported.map((name) => `node_modules/${name}`));
for (const path of needed) {
  const { dependencies = {} } = locked.find(([place]) => place === path)?.[1] ?? {};
  for (const name of Object.keys(dependencies)) needed.add(`node_modules/${name}`);
}
for (const name of Object.keys(manifest.optionalDependencies)) needed.add(`node_modules/${name}`);
const runtime = locked.filter(([path]) => needed.has(path));
const asked: Readonly<Record<string, string>> = { ...manifest.dependencies, ...manifest.devDependencies };

describe("the runtime packages", () => {
  test("are at most six and their dependencies, each in one exact version", () => {
    expect(imported.length).toBeGreaterThan(3);
    expect(imported.length).toBeLessThanOrEqual(6);
    for (const name of imported) expect(asked[name]).toMatch(/^\d+\.\d+\.\d+$/);
    expect(runtime.length).toBe(needed.size);
    expect(runtime.length).toBeLessThan(40);
  });

  test("are locked by hash and come from the registry", () => {
    for (const [path, { integrity, resolved = REGISTRY }] of runtime) {
      expect([path, integrity]).toEqual([path, expect.stringMatching(/^sha512-/)]);
      expect([path, resolved.startsWith(REGISTRY)]).toEqual([path, true]);
    }
  });

  test("cause no warning on Node 20, because they run on the Node installed with them", () => {
    expect(manifest.engines).toEqual({ node: ">=20.16" });
    expect(locked.filter(([path, { engines }]) => path !== "" && engines?.node !== undefined)).toEqual([]);
    const brought = Object.entries<string>(manifest.optionalDependencies).filter(([name]) => name.startsWith("node-"));
    expect(brought.length).toBeGreaterThan(0);
    for (const [, version] of brought) expect(Number.parseInt(version, 10)).toBeGreaterThanOrEqual(24);
  });

  test("run no install script, nor do the tools", () => {
    expect(runtime.filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([]);
    expect(read(".npmrc")).toMatch(/^ignore-scripts=true$/m);
    expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)|^(install|prepare)$/.test(name))).toEqual([]);
  });
});

describe("the container", () => {
  const instructions = read("Dockerfile").replaceAll("\\\n", " ").split("\n");
  const final = instructions.slice(instructions.findLastIndex((line) => line.startsWith("FROM")));
  const all = (name: string) => instructions.filter((line) => line.startsWith(`${name} `));

  test("runs as an unprivileged user, in a folder that user cannot write", () => {
    const user = final.indexOf("USER node");
    expect(user).toBeGreaterThan(0);
    expect(final.findIndex((line) => line.startsWith("CMD"))).toBeGreaterThan(user);
    expect(final.filter((line) => line.startsWith("COPY")).some((line) => line.includes("--chown"))).toBe(false);
    expect(final.findLastIndex((line) => /^(COPY|RUN)/.test(line))).toBeLessThan(user);
  });

  test("is built without package scripts, and contains neither tools nor secrets", () => {
    for (const line of all("RUN").filter((run) => /npm (ci|install|prune)/.test(run))) {
      expect(line.match(/npm (?:ci|install|prune)/g)?.length).toBe(line.match(/--ignore-scripts/g)?.length);
    }
    expect(all("ADD")).toEqual([]);
    expect(all("COPY").filter((line) => /COPY (\. |\*)/.test(line))).toEqual([]);
    expect([...all("ENV"), ...all("ARG")].join()).not.toMatch(/TOKEN|KEY|SECRET|PASSWORD/);
    for (const path of [".git", ".env*", "sluice.config.json", ".sluice"]) {
      expect(read(".dockerignore").split("\n")).toContain(path);
    }
  });

  test("reports whether it is ready, and reserves memory outside the heap", () => {
    expect(final.join("\n")).toMatch(/^HEALTHCHECK .*\/readyz/ms);
    expect(final.at(-2)).toMatch(/^CMD \["node", "--max-old-space-size-percentage=75"/);
  });
});
