/**
 * Deliberately slow clients against a gateway of its own: `npx node test/security/slow-http.ts [seconds]`. Needs slowhttptest
 * (`apt-get install slowhttptest`). Prints the table of docs/security.md: the fate of the attacker's sockets, and what a
 * well-behaved client saw meanwhile.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { StreamClient } from "../support/clients/stream-client.ts";
import { type SluiceProcess, startSluice } from "../support/gateways/sluice-process.ts";

const SECONDS = process.argv[2] ?? "60";
const MANY = ["-c", "1000", "-r", "200", "-p", "3", "-l", SECONDS];

const TOKEN = "a-token-of-well-behaved-clients";

/** slowhttptest's arguments, and the path it attacks. */
const ATTACKS: Readonly<Record<string, readonly [readonly string[], string]>> = {
  "slow headers (-H)": [["-H", ...MANY, "-i", "10", "-x", "24", "-t", "GET"], "/"],
  "slow body (-B)": [["-B", ...MANY, "-i", "10", "-x", "10", "-s", "8192", "-t", "POST"], "/v1/chat/completions"],
  "slow reading (-X)": [["-X", ...MANY, "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3", "-t", "GET"], "/"],
};

/** Colours and cursor movements. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*[A-Za-z]`, "g");

interface Seen {
  /** Peak of the gateway's open descriptors: its sockets, and about thirty of its own. */
  mostFiles: number;
  connectMs: number[];
  firstEventMs: number[];
  streams: number;
  failures: string[];
}

/** Repeatedly opens a new socket with a stream, and another stream on a socket that it keeps. */
async function behaveWell({ url, pid }: SluiceProcess, until: Promise<unknown>): Promise<Seen> {
  const seen: Seen = { mostFiles: 0, connectMs: [], firstEventMs: [], streams: 0, failures: [] };
  let over = false;
  void until.then(() => {
    over = true;
  });
  const ask = async (client: StreamClient, id: string) => {
    const openedAt = performance.now();
    const body = { max_tokens: 64, messages: [{ role: "user", content: "Hello" }] };
    client.send({ type: "open", id, model: "demo", body });
    const first = await client.take((frame) => "id" in frame && frame.id === id && frame.type !== "opened");
    if (first.type === "error") return void seen.failures.push(first.error.code);
    seen.firstEventMs.push(performance.now() - openedAt);
    const { end } = await client.rest(id);
    if (end.status === "completed") seen.streams++;
    else seen.failures.push(end.error?.code ?? end.status);
  };
  const kept = await (await StreamClient.connect(url, { token: TOKEN })).hello();
  for (let round = 0; !over; round++) {
    try {
      const startedAt = performance.now();
      using fresh = await (await StreamClient.connect(url, { token: TOKEN })).hello();
      seen.connectMs.push(performance.now() - startedAt);
      await Promise.all([ask(fresh, `new-${round}`), ask(kept, `kept-${round}`)]);
    } catch (error) {
      seen.failures.push(String(error));
    }
    await setTimeout(100);
    seen.mostFiles = Math.max(seen.mostFiles, readdirSync(`/proc/${pid}/fd`).length);
  }
  kept.close();
  return seen;
}

/** Runs slowhttptest; returns its own figures, from the status it prints every few seconds. */
async function attack(args: readonly string[], url: string) {
  const child = spawn("slowhttptest", [...args, "-u", url], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more.replaceAll(COLOURS, "");
  });
  await new Promise((closed) => child.on("close", closed));
  const figures = (name: string) => [...text.matchAll(new RegExp(`${name}: +(\\d+)`, "g"))].map(([, n]) => Number(n));
  const probes = [...text.matchAll(/service available: +(YES|NO)/g)].map(([, answer]) => answer);
  return {
    mostConnected: Math.max(0, ...figures("connected")),
    closed: figures("closed").at(-1),
    available: `${probes.filter((answer) => answer === "YES").length} of ${probes.length}`,
    exit: /Exit status: +(.*)/.exec(text)?.[1],
  };
}

const peakMiB = (pid: number) =>
  Math.round(
    Number(/VmHWM: +(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8").replaceAll("\t", " "))?.[1]) / 1024,
  );

const quantile = (figures: readonly number[], share: number) =>
  figures.toSorted((a, b) => a - b)[Math.floor(figures.length * share)]?.toFixed(1);

async function row(name: string, [args, path]: readonly [(readonly string[])?, string?]) {
  const config = { log: { level: "info", pretty: false }, demo: true, data: { store: "memory" } };
  await using gateway = await startSluice(config, { env: { SLUICE_TOKEN: TOKEN } });
  const running = args ? attack(args, `${gateway.url}${path}`) : setTimeout(30_000, undefined);
  const seen = await behaveWell(gateway, running);
  const refused = gateway.stdout.split("\n").filter((line) => line.includes('"event":"refused"'));
  console.log(
    JSON.stringify({
      name,
      ...(await running),
      mostFiles: seen.mostFiles,
      peakMiB: peakMiB(gateway.pid),
      streams: seen.streams,
      failures: seen.failures,
      connectMs: [quantile(seen.connectMs, 0.5), quantile(seen.connectMs, 0.99)],
      firstEventMs: [quantile(seen.firstEventMs, 0.5), quantile(seen.firstEventMs, 0.99)],
      refused: refused.map((line) => {
        const { code, where, repeated = 1 } = JSON.parse(line);
        return `${code} ${where} ${repeated}`;
      }),
    }),
  );
}

await row("nobody slow", []);
for (const [name, how] of Object.entries(ATTACKS)) await row(name, how);
