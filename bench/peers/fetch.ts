import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { folderOf, PEERS, type Peer } from "./peer.ts";

/** Installs the named peers, or all, into a folder that git ignores. Rejects if npm fails. */
export async function fetchPeers(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !PEERS.some((peer) => peer.name === name));
  if (unknown.length > 0) throw new Error(`there is no peer ${unknown.join(", ")}: ${PEERS.map(({ name }) => name)}`);
  for (const peer of PEERS) {
    if (names.length === 0 || names.includes(peer.name)) await install(peer);
  }
}

function install(peer: Peer): Promise<void> {
  const folder = fileURLToPath(folderOf(peer));
  mkdirSync(folder, { recursive: true });
  // The pins apply to the peer's transitive dependencies too.
  const manifest = { private: true, dependencies: peer.packages, overrides: peer.packages };
  writeFileSync(`${folder}package.json`, JSON.stringify(manifest, undefined, 2));
  const npm = spawn("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], {
    cwd: folder,
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    npm.once("error", reject);
    npm.once("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`npm install of ${peer.name}: exit ${code}`)),
    );
  });
}
