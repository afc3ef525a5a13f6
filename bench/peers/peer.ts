import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Software of others that a row runs. It is fetched by `npm run bench -- fetch`, never a dependency of this project. */
export interface Peer {
  readonly name: string;
  /** What npm installs, each version pinned. */
  readonly packages: Readonly<Record<string, string>>;
  /** Below `node_modules`: the file whose presence says that it is installed. */
  readonly entry: string;
}

/**
 * Portkey's gateway. Its ranges let in a hono 4 that it does not run with, so what its authors last built with is
 * pinned.
 */
export const PORTKEY: Peer = {
  name: "portkey",
  packages: {
    "@portkey-ai/gateway": "1.15.2",
    hono: "4.9.7",
    "@hono/node-server": "1.13.8",
    "@hono/node-ws": "1.2.0",
  },
  entry: "@portkey-ai/gateway/build/start-server.js",
};

export const OPENCLAW: Peer = {
  name: "openclaw",
  packages: { openclaw: "2026.9.6" },
  entry: "openclaw/openclaw.mjs",
};

export const PEERS: readonly Peer[] = [PORTKEY, OPENCLAW];

export const folderOf = ({ name }: Peer): URL => new URL(`../.peers/${name}/`, import.meta.url);

export const entryOf = (peer: Peer): string => fileURLToPath(new URL(`node_modules/${peer.entry}`, folderOf(peer)));

/** Why its row cannot run. */
export const missingPeer = (peer: Peer): string | undefined =>
  existsSync(entryOf(peer)) ? undefined : `not here: npm run bench -- fetch ${peer.name}`;

/** As the report names it: `gateway 1.15.2 with hono 4.9.7 …`. */
export function versionOf({ packages }: Peer): string {
  const [first, ...others] = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return others.length === 0 ? `${first}` : `${first} with pinned ${others.join(", ")}`;
}
