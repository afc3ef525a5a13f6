import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Third-party software that a row runs. `npm run bench -- fetch` installs it; it is never a dependency of this project. */
export interface Peer {
  readonly name: string;
  /** What npm installs, each version pinned. */
  readonly packages: Readonly<Record<string, string>>;
  /** A file below `node_modules` that exists once the peer is installed. */
  readonly entry: string;
}

/**
 * Portkey's gateway. Its version ranges admit a hono 4 that it does not run with, so the versions its authors last built with
 * are pinned.
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

/** Why the peer's row cannot run. */
export const missingPeer = (peer: Peer): string | undefined =>
  existsSync(entryOf(peer)) ? undefined : `not here: npm run bench -- fetch ${peer.name}`;

/** The name in the report: `gateway 1.15.2 with hono 4.9.7 …`. */
export function versionOf({ packages }: Peer): string {
  const [first, ...others] = Object.entries(packages).map(([name, version]) => `${name} ${version}`);
  return others.length === 0 ? `${first}` : `${first} with pinned ${others.join(", ")}`;
}
