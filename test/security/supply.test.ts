import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const REGISTRY = "https://registry.npmjs.org/";

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(read("package.json"));
const locked: [string, Locked][] = Object.entries(JSON.parse(read("package-lock.json")).packages);
const runtime = locked.filter(([path, { dev }]) => path !== "" && !dev);

describe("the runtime packages", () => {
  test("are at most six and their dependencies, each in one exact version", () => {
    expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(6);
    for (const version of Object.values(manifest.dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
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

  test("run no install script; the tools' are denied by name", () => {
    const scripted = (packages: typeof locked) => packages.filter(([, entry]) => entry.hasInstallScript);
    expect(scripted(runtime)).toEqual([]);
    const denied = Object.entries(manifest.allowScripts).filter(([, allowed]) => allowed === false);
    expect(scripted(locked).map(([path]) => path.replace("node_modules/", ""))).toEqual(denied.map(([name]) => name));
    // Only `npm pack` runs something by itself: the build.
    const automatic = Object.keys(manifest.scripts).filter((name) => /^(pre|post)|^(install|prepare)$/.test(name));
    expect(automatic).toEqual(["prepack"]);
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
