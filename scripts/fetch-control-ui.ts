/**
 * Downloads the pinned OpenClaw package from the npm registry and keeps only its Control UI, in this project's data directory
 * or the directory given as the first argument. Does nothing if it is already there.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { OPENCLAW_RELEASE } from "../protocol/openclaw/wire.ts";
import { makeDirectory } from "../src/storage/sqlite/data-directory.ts";

/** `dist.integrity` of the release in the registry. Change it with the release. */
const INTEGRITY = "sha512-Ie0kyQSCVfFqixsgVg39vevUDq01Ch5u3+7Yu5Y3qARczmdAe+lzp8bVnO9925rHiW/+CFp70zfORCyPmCH31g==";
const INSIDE = "package/dist/control-ui";
/** Records the release that was installed. */
const MARK = "openclaw-release";

const target = resolve(process.argv[2] ?? fileURLToPath(new URL("../.sluice/control-ui", import.meta.url)));

function isThere(): boolean {
  const mark = join(target, MARK);
  return existsSync(mark) && readFileSync(mark, "utf8").trim() === OPENCLAW_RELEASE;
}

function fetchInto(folder: string): void {
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const pack = ["pack", `openclaw@${OPENCLAW_RELEASE}`, "--pack-destination", folder, "--silent", "--ignore-scripts"];
  execFileSync(npm, pack, { stdio: ["ignore", "ignore", "inherit"], cwd: folder, shell: process.platform === "win32" });
  const file = join(folder, `openclaw-${OPENCLAW_RELEASE}.tgz`);
  const found = `sha512-${createHash("sha512").update(readFileSync(file)).digest("base64")}`;
  if (found !== INTEGRITY) throw new Error(`openclaw ${OPENCLAW_RELEASE} is not the package that was pinned: ${found}`);
  execFileSync("tar", ["-xzf", file, "-C", folder, INSIDE], { stdio: "inherit" });
}

if (isThere()) console.log(`The Control UI of OpenClaw ${OPENCLAW_RELEASE} is in ${target}`);
else {
  console.log(`Fetching openclaw ${OPENCLAW_RELEASE} (about 95 MB; only the Control UI is kept) …`);
  const folder = mkdtempSync(join(tmpdir(), "sluice-control-ui-"));
  try {
    fetchInto(folder);
    rmSync(target, { recursive: true, force: true });
    makeDirectory(join(target, ".."));
    // Copied and not renamed: the temporary folder may be on another disk.
    cpSync(join(folder, INSIDE), target, { recursive: true });
    writeFileSync(join(target, MARK), `${OPENCLAW_RELEASE}\n`);
    console.log(`The Control UI is in ${target}. Start Sluice and open /ui/ on it.`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
