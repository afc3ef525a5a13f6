import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { COMMANDS } from "./commands.ts";
import type { DocumentedClient } from "./documented.ts";

/** The page's own address and what stands for it here. */
const DOCUMENTED_URL = "http://127.0.0.1:18789";

export interface Turn {
  /** Exit code, or the signal's name: SIGKILL when it did not end in time. */
  readonly exit: number | string;
  readonly output: string;
  readonly ms: number;
}

export interface TurnOptions {
  /** An empty directory for this turn: its home and its working directory. */
  readonly directory: string;
  /** Where npm installed the client. */
  readonly packages: string;
  readonly gateway: { readonly url: string; readonly key: string };
  /** The word a tool has to read from `word.txt`. */
  readonly word: string;
  readonly timeoutMs: number;
}

/** Sets the client up as its page says and lets it take one turn, in a home and a working directory of its own. */
export async function takeTurn(client: DocumentedClient, options: TurnOptions): Promise<Turn> {
  const { packages, directory, gateway } = options;
  const home = join(directory, "home");
  const work = join(directory, "work");
  for (const path of [home, work, join(home, ".codex")]) mkdirSync(path, { recursive: true });
  writeFileSync(join(work, "word.txt"), `${options.word}\n`);
  const lines = client.block.text.replaceAll(DOCUMENTED_URL, gateway.url);
  const module = join(packages, `${client.name.replaceAll(" ", "-")}.mjs`);
  if (client.block.language === "js") writeFileSync(module, lines);
  const script = client.block.language === "js" ? `exec node "${module}"` : `${lines}\n${COMMANDS[client.name]}`;

  const started = performance.now();
  const child = spawn("/bin/sh", ["-ec", script], {
    cwd: work,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: [join(packages, "node_modules", ".bin"), dirname(process.execPath), process.env.PATH].join(delimiter),
      HOME: home,
      TERM: "dumb",
      SLUICE_KEY: gateway.key,
      PROMPT: "Print the word that stands in word.txt.",
      // Claude Code runs tools as root only where it is told that this is a sandbox.
      IS_SANDBOX: "1",
    },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const timer = setTimeout(() => process.kill(-(child.pid ?? 0), "SIGKILL"), options.timeoutMs);
  const [code, signal] = await once(child, "exit");
  clearTimeout(timer);
  endDaemons(home);
  return { exit: code ?? signal, output, ms: performance.now() - started };
}

/** Some agents leave a daemon behind: whatever still runs with this turn's home ends here. */
function endDaemons(home: string): void {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`HOME=${home}`))
        process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended by itself, or belongs to somebody else.
    }
  }
}
