import { fileURLToPath } from "node:url";
import { startGateway } from "../runner/child.ts";
import type { Row } from "./row.ts";

interface NodeRow {
  readonly name: string;
  readonly what: string;
  readonly protocol: keyof typeof PATHS;
  readonly program: URL;
  readonly detail?: boolean;
}

const PATHS = { sluice: "/v1/stream", sse: "/v1/chat/completions" } as const;

/** A control row: a small program of our own that gets the upstream's port and prints where it listens. */
export const nodeRow = ({ name, what, protocol, program, detail = false }: NodeRow): Row => ({
  name,
  what,
  protocol,
  detail,
  version: () => `Node ${process.versions.node}`,
  async start(upstreamPort, cpus) {
    const args = [fileURLToPath(program), String(upstreamPort)];
    const { pid, found, started, stop } = await startGateway(cpus, {
      command: process.execPath,
      args,
      ready: /listens on (\S+)/,
    });
    return { target: { protocol, url: `${found}${PATHS[protocol]}` }, started, pids: [pid], stop };
  },
});
