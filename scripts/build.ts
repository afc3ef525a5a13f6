/** Builds dist/: compiles with tsc and copies the page's static files. Exits with tsc's code if it fails. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const STATIC = "src/page/static";

rmSync(path("dist"), { recursive: true, force: true });
const compiler = [path("node_modules/typescript/bin/tsc"), "-p", path("tsconfig.build.json")];
const { status } = spawnSync(process.execPath, compiler, { stdio: "inherit" });
if (status !== 0) process.exit(status ?? 1);
if (existsSync(path(STATIC))) cpSync(path(STATIC), path(`dist/${STATIC}`), { recursive: true });
// The package's command.
chmodSync(path("dist/src/main.js"), 0o755);
