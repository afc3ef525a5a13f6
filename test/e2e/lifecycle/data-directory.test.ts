import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { COMPILED } from "../../support/gateways/compiled.ts";
import { startSluice } from "../../support/gateways/sluice-process.ts";
import { temporaryDirectories } from "../../support/stores/temporary-directory.ts";

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));
const directory = temporaryDirectories();

/** Makes an obstacle in an empty folder, and returns the data directory below it. */
const IN_THE_WAY: Readonly<Record<string, (folder: string) => string>> = {
  "a file": (folder) => {
    writeFileSync(join(folder, "file"), "");
    return "file";
  },
  "a file above it": (folder) => {
    writeFileSync(join(folder, "file"), "");
    return "file/deep/data";
  },
  "a pipe": (folder) => {
    execFileSync("mkfifo", [join(folder, "pipe")]);
    return "pipe/data";
  },
  "a dangling link": (folder) => {
    symlinkSync("/nowhere/at/all", join(folder, "link"));
    return "link";
  },
  "a dangling link above it": (folder) => {
    symlinkSync("/nowhere/at/all", join(folder, "link"));
    return "link/data";
  },
  "links in a circle": (folder) => {
    symlinkSync("b", join(folder, "a"));
    symlinkSync("a", join(folder, "b"));
    return "a/data";
  },
  "a long name": () => "n".repeat(256),
  "a long path": () => "n/".repeat(3_000),
};

const REASONS: Readonly<Record<string, string>> = {
  "a file": "FOLDER/file is not a directory",
  "a file above it": "FOLDER/file is not a directory",
  "a pipe": "FOLDER/pipe is not a directory",
  "a dangling link": "FOLDER/link is a dangling link",
  "a dangling link above it": "FOLDER/link is a dangling link",
  "links in a circle": "its symbolic links form a loop (ELOOP)",
  "a long name": "the name is too long (ENAMETOOLONG)",
  "a long path": "the name is too long (ENAMETOOLONG)",
};

/** Runs the gateway until it ends by itself; a start that hangs is killed, and has no exit code. */
function serve(data: string, cwd: string) {
  const env = { ...COMPILED, SLUICE_PORT: "0", SLUICE_DATA: data };
  const limits = { timeout: 60_000, killSignal: "SIGKILL" } as const;
  const run = spawnSync(process.execPath, [main, "serve"], { cwd, env, ...limits, encoding: "utf8" });
  return { code: run.status, stderr: run.stderr, stdout: run.stdout };
}

const refusal = (path: string, reason: string) => ({
  code: 1,
  stdout: "",
  stderr: `sluice: the data directory ${path} cannot be used: ${reason}; set SLUICE_DATA or data.directory to another one\n`,
});

describe("an unusable data directory is refused in one line that names it, the setting and the reason", () => {
  test.each(Object.keys(IN_THE_WAY))("for %s", (name) => {
    const folder = directory();
    const data = IN_THE_WAY[name]?.(folder) ?? "";
    const whole = join(folder, data).replace(/\/$/, "");
    const shown = whole.length > 256 ? `${whole.slice(0, 256)}…` : whole;
    expect(serve(data, folder)).toEqual(refusal(shown, (REASONS[name] ?? "").replaceAll("FOLDER", folder)));
  });

  const special = process.platform === "linux" ? test : test.skip;
  special.each([
    ["/proc/sluice", "/proc/sluice cannot be created in /proc (ENOENT)"],
    ["/proc/self/deep/sluice", "/proc/self/deep cannot be created in /proc/self (ENOENT)"],
    ["/proc/self", "files cannot be created in it (ENOENT)"],
    ["/dev/null/sluice", "/dev/null is not a directory"],
  ])("of the system's own: %s", (path, reason) => {
    expect(serve(path, directory())).toEqual(refusal(path, reason));
  });

  test("that this user may not write", () => {
    const folder = directory();
    chmodSync(folder, 0o755);
    const locked = join(folder, "locked");
    mkdirSync(locked, { mode: 0o555 });
    // Root may do anything, so it becomes nobody, in a process of its own and once it has read the sources.
    const program = `
      import { openDataDirectory } from ${JSON.stringify(new URL("../../../src/storage/sqlite/data-directory.ts", import.meta.url))};
      if (process.getuid() === 0) process.seteuid(65534);
      for (const path of process.argv.slice(1)) {
        try { openDataDirectory(path, "this"); } catch (error) { console.log(error.message); }
      }`;
    const args = ["--input-type=module", "-e", program, locked, join(locked, "data")];
    expect(execFileSync(process.execPath, args, { encoding: "utf8" }).trim().split("\n")).toEqual([
      `the data directory ${locked} cannot be used: this user has no permission (EACCES); set this to another one`,
      `the data directory ${locked}/data cannot be used: ${locked}/data cannot be created in ${locked} (EACCES); set this to another one`,
    ]);
  });

  test("with a NUL in its name", () => {
    const folder = directory();
    writeFileSync(join(folder, "sluice.config.json"), JSON.stringify({ data: { directory: "a\0b" } }));
    expect(serve("", folder)).toEqual(refusal(`${folder}/a b`, "the name contains a NUL character"));
  });
});

test("a missing data directory is created with its parents, for its owner only, without leftovers", async () => {
  const data = join(directory(), "some", "where");
  await using sluice = await startSluice({ data: { store: "sqlite" } }, { env: { SLUICE_DATA: data } });
  expect((await fetch(`${sluice.url}/readyz`)).status).toBe(200);
  expect([data, join(data, "..")].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
  expect(readdirSync(data).filter((name) => name.startsWith(".try"))).toEqual([]);
});

describe("data on the disk", () => {
  const modesUnder = async (umask: string) => {
    const folder = directory();
    await using sluice = await startSluice(
      { data: { directory: join(folder, "above", "data") } },
      { before: `umask ${umask}` },
    );
    const paths = [
      "above",
      "above/data",
      ...readdirSync(join(folder, "above/data")).map((name) => `above/data/${name}`),
    ];
    sluice.kill("SIGKILL");
    return new Set(paths.map((path) => (statSync(join(folder, path)).mode & 0o777).toString(8)));
  };

  test.each(["022", "027", "077"])("is the owner's alone under umask %s", async (umask) => {
    expect(await modesUnder(umask)).toEqual(new Set(["700", "600"]));
  });

  test.each(["002", "007", "000"])("is also the group's under umask %s, and never everybody's", async (umask) => {
    expect(await modesUnder(umask)).toEqual(new Set(["770", "660"]));
  });
});
