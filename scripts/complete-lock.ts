/**
 * Makes package-lock.json usable on every machine. Removes each package's `engines`: npm would compare them with the Node that
 * runs npm and warn, although the packages run on the Node that is installed with them. The project's own `engines` stays.
 *
 * Adds missing optional packages. If a registry mirror lacks the builds for other platforms, `npm install` omits them and
 * `npm ci` then rejects the lock file. npm installs them only on their platform, in the version written here.
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

/** The platform of a package, read from its name: `@biomejs/cli-linux-x64-musl`. */
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
