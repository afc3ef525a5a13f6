/**
 * Makes package-lock.json ready for every machine. Takes out which Node each package asks for: npm would hold it against the
 * Node that runs npm and warn of each, though they run on the one that is installed with them. What the project itself asks
 * of npm's Node stays.
 *
 * Adds the optional packages that are missing. A registry mirror that does not carry the builds for other platforms makes
 * `npm install` leave them out, and `npm ci` then refuses the lock file. They are never installed where their platform does
 * not match; where it does, npm fetches them by the version written here.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface Locked {
  version?: string;
  dev?: true;
  optional?: true;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  engines?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const SYSTEMS = ["android", "darwin", "freebsd", "linux", "openbsd", "netbsd", "openharmony", "sunos", "aix", "win32"];
const PROCESSORS = ["arm64", "arm", "x64", "ia32", "loong64", "ppc64", "riscv64", "s390x", "wasm32"];

const path = new URL("../package-lock.json", import.meta.url);
const lock: { packages: Record<string, Locked> } = JSON.parse(readFileSync(path, "utf8"));

/** What a platform package is for, read from its name: `@biomejs/cli-linux-x64-musl`. */
function platformOf(name: string): Pick<Locked, "os" | "cpu" | "libc"> | undefined {
  const words = name.replace(/^.*\//, "").split("-");
  const os = words.find((word) => SYSTEMS.includes(word));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  const libc = words.some((word) => word.startsWith("musl")) ? "musl" : words.includes("gnu") ? "glibc" : undefined;
  return os || cpu ? { os: [os ?? "none"], cpu: [cpu ?? "none"], ...(libc && { libc: [libc] }) } : undefined;
}

let added = 0;
for (const [, { dev, optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const platform = platformOf(name);
    const place = `node_modules/${name}`;
    if (lock.packages[place] || !platform) continue;
    lock.packages[place] = { version, ...(dev && { dev }), optional: true, ...platform };
    added++;
  }
}
for (const [place, { engines }] of Object.entries(lock.packages)) {
  if (place !== "" && engines) delete engines.node;
  if (engines && Object.keys(engines).length === 0) delete lock.packages[place]?.engines;
}
const sorted = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync(path, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
process.stdout.write(`${added} platform packages added\n`);
