import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway } from "../runner/child.ts";
import { freePort } from "./free-port.ts";
import type { Row } from "./row.ts";

const PROGRAM = ["nginx", "/usr/sbin/nginx"].find((name) => spawnSync(name, ["-v"]).status === 0);

/** One worker and no master, so that one process uses one core; buffering is off. */
const config = (directory: string, port: number, upstreamPort: number): string => `
daemon off;
master_process off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr crit;
events { worker_connections 30000; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  keepalive_requests 1000000;
  upstream bench { server 127.0.0.1:${upstreamPort}; keepalive 2000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_read_timeout 1h;
    }
  }
}
`;

/** A web server as a plain proxy: SSE in, SSE out. */
export const nginx: Row = {
  name: "nginx",
  what: "nginx with buffering off, SSE to SSE",
  protocol: "sse",
  version: () => /nginx\/(\S+)/.exec(spawnSync(PROGRAM ?? "nginx", ["-v"], { encoding: "utf8" }).stderr)?.[1] ?? "",
  missing: () => (PROGRAM === undefined ? "not here: install nginx" : undefined),
  async start(upstreamPort, cpus) {
    const directory = mkdtempSync(join(tmpdir(), "sluice-bench-nginx-"));
    const port = await freePort();
    const file = join(directory, "nginx.conf");
    writeFileSync(file, config(directory, port, upstreamPort));
    const { pid, started, stop } = await startGateway(cpus, {
      command: PROGRAM ?? "nginx",
      args: ["-p", directory, "-c", file],
      ready: () => answers(port),
    });
    return {
      target: { protocol: "sse", url: `http://127.0.0.1:${port}/v1/chat/completions` },
      started,
      pids: [pid],
      async stop() {
        await stop();
        rmSync(directory, { recursive: true, force: true });
      },
    };
  },
};

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
