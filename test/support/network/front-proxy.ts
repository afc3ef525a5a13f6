import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";
import { CERTIFICATE, PRIVATE_KEY } from "./test-certificate.ts";

export const DEPLOY = fileURLToPath(new URL("../../../deploy/", import.meta.url));

/** A proxy with one of deploy/'s files, in front of a gateway. */
export interface FrontProxy extends AsyncDisposable {
  readonly url: string;
}

/** A kind of proxy. */
export interface ProxyKind {
  readonly name: string;
  /** Why it cannot be started here. */
  readonly missing: string | undefined;
  /** What the program says of the file as it is shipped; throws when it refuses it. */
  check(): string;
  /** Starts it without TLS on a free port, with this gateway behind it and the file otherwise as it is shipped. */
  start(gatewayUrl: string): Promise<FrontProxy>;
}

/** The text with every pattern replaced. Throws when one is not in it: the file is no longer what the test takes it for. */
function replaced(text: string, changes: readonly (readonly [RegExp, string])[]): string {
  return changes.reduce((before, [pattern, by]) => {
    const after = before.replace(pattern, by);
    if (after === before) throw new Error(`${pattern} is not in the file`);
    return after;
  }, text);
}

const hostOf = (url: string): string => new URL(url).host;
const isHere = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0;

/** Runs a program in the foreground until it is disposed; resolves when the port accepts connections. */
async function run(program: string, args: readonly string[], directory: string, port: number): Promise<FrontProxy> {
  const env = { PATH: process.env.PATH, HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory };
  const child = spawn(program, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const exit = once(child, "exit");
  while (!(await accepts(`http://127.0.0.1:${port}`))) {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`);
    await setTimeout(10);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await exit;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Whether somebody takes connections at this address of this machine. */
export function accepts(url: string): Promise<boolean> {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  return new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy());
}

const NGINX = ["nginx", "/usr/sbin/nginx"].find((name) => isHere(name, "-v"));

/** A whole configuration around the include, in one process that needs no directory of the system's. */
const around = (directory: string, include: string): string => `
daemon off;
master_process off;
pid ${directory}/nginx.pid;
error_log stderr error;
events { worker_connections 512; }
http {
  access_log off;
  ${["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${directory}/${name};`).join("\n  ")}
  include ${include};
}
`;

function writeNginx(
  changes: readonly (readonly [RegExp, string])[],
  shipped = "nginx.conf",
): { directory: string; file: string } {
  const directory = mkdtempSync(join(tmpdir(), "sluice-nginx-"));
  const include = join(directory, "sluice.conf");
  const file = join(directory, "nginx.conf");
  const text = readFileSync(join(DEPLOY, shipped), "utf8");
  writeFileSync(include, replaced(text, changes).replaceAll("/etc/ssl/sluice", directory));
  writeFileSync(join(directory, "fullchain.pem"), CERTIFICATE);
  writeFileSync(join(directory, "privkey.pem"), PRIVATE_KEY);
  writeFileSync(file, around(directory, include));
  return { directory, file };
}

export const nginx: ProxyKind = {
  name: "nginx",
  missing: NGINX === undefined ? "nginx is not here" : undefined,
  check() {
    // It binds what it checks, and 443 needs root.
    const { directory, file } = writeNginx([[/listen 443 ssl;/, "listen unix:sluice.sock ssl;"]]);
    const { status, stderr } = spawnSync(NGINX ?? "", ["-t", "-p", directory, "-c", file], { encoding: "utf8" });
    rmSync(directory, { recursive: true, force: true });
    if (status !== 0) throw new Error(stderr);
    return stderr;
  },
  async start(gatewayUrl) {
    const port = await freePort();
    const { directory, file } = writeNginx([
      [/listen 443 ssl;/, `listen 127.0.0.1:${port};`],
      [/ssl_certificate .*\n.*\n/, ""],
      [/server 127\.0\.0\.1:18789;/, `server ${hostOf(gatewayUrl)};`],
    ]);
    return run(NGINX ?? "", ["-p", directory, "-c", file], directory, port);
  },
};

/** nginx in front of a cluster, with the file in deploy/cluster. */
export const clusterNginx = {
  name: "nginx",
  missing: nginx.missing,
  /** What the program says of the file as it is shipped; throws when it refuses it. */
  check(): string {
    const { directory, file } = writeNginx([[/listen 8080;/, "listen unix:sluice.sock;"]], "cluster/nginx.conf");
    const { status, stderr } = spawnSync(NGINX ?? "", ["-t", "-p", directory, "-c", file], { encoding: "utf8" });
    rmSync(directory, { recursive: true, force: true });
    if (status !== 0) throw new Error(stderr);
    return stderr;
  },
  /** Starts it on a free port, with these two nodes behind it and the file otherwise as it is shipped. */
  async start(first: string, second: string): Promise<FrontProxy> {
    const port = await freePort();
    const changes: readonly (readonly [RegExp, string])[] = [
      [/listen 8080;/, `listen 127.0.0.1:${port};`],
      [/server 172\.30\.57\.11:18789/, `server ${hostOf(first)}`],
      [/server 172\.30\.57\.12:18789/, `server ${hostOf(second)}`],
    ];
    const { directory, file } = writeNginx(changes, "cluster/nginx.conf");
    return run(NGINX ?? "", ["-p", directory, "-c", file], directory, port);
  },
};

const CADDYFILE = join(DEPLOY, "Caddyfile");

/** What Caddy makes of a file; throws when it refuses it. */
function adapted(file: string): string {
  const directory = mkdtempSync(join(tmpdir(), "sluice-caddy-"));
  const env = { PATH: process.env.PATH, HOME: directory };
  const args = ["adapt", "--validate", "--adapter", "caddyfile", "--config", file];
  const { status, stdout, stderr } = spawnSync("caddy", args, { env, encoding: "utf8" });
  rmSync(directory, { recursive: true, force: true });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Starts Caddy with a file, in which these changes are made. */
function startCaddy(
  shipped: string,
  port: number,
  changes: readonly (readonly [RegExp, string])[],
): Promise<FrontProxy> {
  const directory = mkdtempSync(join(tmpdir(), "sluice-caddy-"));
  const file = join(directory, "Caddyfile");
  const site: readonly [RegExp, string] = [/^sluice\.example\.com \{/m, `http://:${port} {\n\tbind 127.0.0.1`];
  const text = replaced(readFileSync(shipped, "utf8"), [site, ...changes]);
  writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n}\n\n${text}`);
  return run("caddy", ["run", "--adapter", "caddyfile", "--config", file], directory, port);
}

export const caddy: ProxyKind = {
  name: "Caddy",
  missing: isHere("caddy", "version") ? undefined : "caddy is not here",
  check: () => adapted(CADDYFILE),
  async start(gatewayUrl) {
    return startCaddy(CADDYFILE, await freePort(), [[/127\.0\.0\.1:18789/, hostOf(gatewayUrl)]]);
  },
};

const CLUSTER_CADDYFILE = join(DEPLOY, "cluster/Caddyfile");

/** Caddy in front of a cluster, with the file in deploy/cluster. */
export const clusterCaddy: typeof clusterNginx = {
  name: "Caddy",
  missing: caddy.missing,
  check: () => adapted(CLUSTER_CADDYFILE),
  async start(first, second) {
    const changes: readonly (readonly [RegExp, string])[] = [
      [/172\.30\.57\.11:18789/, hostOf(first)],
      [/172\.30\.57\.12:18789/, hostOf(second)],
    ];
    return startCaddy(CLUSTER_CADDYFILE, await freePort(), changes);
  },
};
