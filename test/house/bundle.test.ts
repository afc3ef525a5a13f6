import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "@jest/globals";
import manifest from "../../package.json" with { type: "json" };
import { turnsUntil } from "../support/jest/turns-until.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const directory = temporaryDirectories();
const program = fileURLToPath(new URL("../../scripts/build.ts", import.meta.url));

/** Prints Node's own modules that are loaded, once the gateway listens. */
const LOADED = `
  const looking = setInterval(() => {
    if (!process.getActiveResourcesInfo().includes("TCPServerWrap")) return;
    clearInterval(looking);
    console.error(process.moduleLoadList.join("\\n"));
  }, 10);`;

describe("the build", () => {
  let built = "";
  beforeAll(() => {
    const root = directory();
    built = join(root, "dist");
    // As beside the package's own.
    writeFileSync(join(root, "package.json"), '{"type":"module"}');
    const { status, stderr } = spawnSync(process.execPath, [program, built], { encoding: "utf8" });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  });

  const textOf = (file: string) => readFileSync(join(built, file), "utf8");
  /** These files and all that they import when they are loaded. */
  const staticImports = (files: readonly string[]): readonly string[] => {
    const found = new Set(files);
    for (const file of found) {
      for (const [, name = ""] of textOf(file).matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+)"/g))
        found.add(`src/${name}`);
    }
    return [...found];
  };
  const scripts = () => globSync("src/*.js", { cwd: built }).map((file) => readFileSync(join(built, file), "utf8"));

  test("starts without packages beside it, stores, serves its page and streams", async () => {
    const cwd = directory();
    const args = [join(built, "src/main.js"), "serve", "--port", "0"];
    const child = spawn(process.execPath, args, { cwd, env: {}, stdio: ["ignore", "pipe", "pipe"] });
    const stderr = text(child.stderr);
    const exit = once(child, "exit");
    const ended = exit.then(async () => Promise.reject(new Error(await stderr)));
    const [line = ""] = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
    ended.catch(() => {});
    const { url, version } = JSON.parse(line);
    expect(version).toBe(manifest.version);
    expect(await (await fetch(url)).text()).toContain("<title>");
    const body = JSON.stringify({ model: "demo-chat", stream: true, messages: [{ role: "user", content: "Hi" }] });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(`${url}/v1/chat/completions`, { method: "POST", headers, body });
    expect(await answer.text()).toMatch(/data: \[DONE\]\n\n$/);
    // Its row is written beside the answer.
    await turnsUntil(async () => {
      const { lines } = JSON.parse(await (await fetch(`${url}/v1/usage?by=model`)).text());
      return lines[0]?.streams === 1;
    });
    child.kill("SIGINT");
    expect(await exit).toEqual([0, null]);
    expect(await stderr).toBe("");
  });

  test.each([
    {
      of: "PostgreSQL",
      config: { data: { store: "postgres", postgres: { url: "postgres://127.0.0.1:1/things" } } },
      said: "PostgreSQL at 127.0.0.1:1/things cannot be used: connect ECONNREFUSED 127.0.0.1:1",
      contains: "SASL: SCRAM-SERVER",
    },
    {
      of: "Redis",
      config: { data: { shared: true }, cluster: { redis: { url: "redis://127.0.0.1:1" } } },
      said: "Redis at 127.0.0.1:1 cannot be used: connect ECONNREFUSED",
      contains: "MAINT_NOTIFICATIONS",
    },
  ])("brings the driver of $of, and loads it only where it is configured", ({ config, said, contains }) => {
    const cwd = directory();
    writeFileSync(join(cwd, "sluice.config.json"), JSON.stringify({ demo: true, ...config }));
    const args = [join(built, "src/main.js"), "serve", "--port", "0"];
    const { stderr } = spawnSync(process.execPath, args, { cwd, env: {}, encoding: "utf8" });
    expect(stderr).toBe(`sluice: ${said}\n`);
    const isDriver = (script: string) => script.includes(contains);
    const entries = globSync("src/{main,embed,gateway-*,open-storage-*}.js", { cwd: built });
    expect(entries.length).toBeGreaterThan(1);
    expect(scripts().filter(isDriver)).toHaveLength(1);
    expect(staticImports(entries).filter((file) => isDriver(textOf(file)))).toEqual([]);
  });

  test("loads no second HTTP client and no handling of signals in scripts, which an import of all of Node's names does", async () => {
    const preload = ["--import", `data:text/javascript,${encodeURIComponent(LOADED)}`];
    const args = [...preload, join(built, "src/main.js"), "serve", "--port", "0"];
    const child = spawn(process.execPath, args, { cwd: directory(), env: {}, stdio: ["ignore", "ignore", "pipe"] });
    const [loaded] = await once(child.stderr, "data");
    child.kill("SIGKILL");
    expect(String(loaded)).toContain("NativeModule http\n");
    expect(String(loaded)).not.toContain("undici");
    expect(String(loaded)).not.toContain("trace_sigint");
  });

  test("is ASCII without comments, so that V8 keeps one byte a character", () => {
    const text = scripts().join("");
    expect(text).not.toMatch(/[^\p{ASCII}]/u);
    expect(text).toContain("GatewayError");
    expect(text).not.toContain("/**");
  });

  test("leaves out the messages in other languages that zod brings", () => {
    expect(scripts().some((script) => script.includes("ZodString"))).toBe(true);
    expect(scripts().some((script) => script.includes("Input non valido"))).toBe(false);
  });

  test("names the licence of every package in it", () => {
    const licences = readFileSync(join(built, "licences.txt"), "utf8");
    const { dependencies, optionalDependencies } = manifest;
    for (const [name, version] of Object.entries({ ...dependencies, pg: optionalDependencies.pg }))
      expect(licences).toContain(`${name} ${version}:`);
  });
});
