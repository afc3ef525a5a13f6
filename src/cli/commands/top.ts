import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { STREAMS_PATH, type StreamList } from "../../core/running/stream-view.ts";
import type { Command, CommandWorld } from "../command.ts";
import { exitFor, OK, reasonOf } from "../exit-codes.ts";
import type { Screen, ScreenListener } from "../top/screen.ts";
import { columnsOf, type Look, missingOf, plainTable, rowsOf } from "../top/stream-rows.ts";
import { TopView } from "../top/top-view.ts";
import { askGateway, type GatewayAddress, gatewayOf, NoGateway } from "./gateway-call.ts";

/** The part of the outside world that the command uses. */
export type TopWorld = Pick<CommandWorld, "env" | "cwd" | "stdout" | "stderr" | "openScreen">;

const USAGE = `Usage: sluice top [options]     the running streams of a gateway, live

  --once             print them once and exit, as without a terminal
  --json             print them as JSON once and exit
  --every <ms>       time between two looks, at least 100 (default: 1000)
  --url <url>        the gateway (default: where the configuration listens)
  --config <path>    the configuration (SLUICE_CONFIG)
  -h, --help         print this help

The token is auth.token or SLUICE_TOKEN: the gateway's own, or a key. A key sees and ends its own streams, one with the
scope admin everybody's. A stream that is ended here ends as cancelled. Of a cluster it shows all nodes' streams.
Keys: arrows choose a stream, x ends it, s and S choose the column to sort by, r reverses, q quits.

Examples
  sluice top
  sluice top --once --json --url https://gateway.example.com/sluice
`;

const OPTIONS = {
  once: { type: "boolean" },
  json: { type: "boolean" },
  every: { type: "string" },
  url: { type: "string" },
  config: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

const EVERY_MS = 1_000;
const MIN_EVERY_MS = 100;

/** Runs `sluice top`. Resolves with the exit code; never rejects. */
export async function runTop(args: readonly string[], world: TopWorld): Promise<number> {
  const { stdout, stderr, openScreen } = world;
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    if (values.help) {
      stdout.write(USAGE);
      return OK;
    }
    const everyMs = values.every === undefined ? EVERY_MS : Number(values.every);
    if (!(everyMs >= MIN_EVERY_MS)) throw new Error(`--every is a number of milliseconds, at least ${MIN_EVERY_MS}`);
    const gateway = gatewayOf(values, world);
    // Without a terminal and with a wrong token alike, this says so before anything is drawn.
    const first = await look(gateway);
    if (openScreen && !values.once && !values.json) await watch(gateway, first, everyMs, openScreen);
    else {
      await setTimeout(everyMs);
      const second = await look(gateway);
      const rows = rowsOf(second, first);
      const list = { ...second, at: undefined, streams: rows };
      stdout.write(values.json ? `${JSON.stringify(list, undefined, 2)}\n` : plainTable(rows, columnsOf(second)));
      const missing = missingOf(second);
      if (missing !== "") stderr.write(`sluice: ${missing}\n`);
    }
    return OK;
  } catch (error) {
    return exitFor(error, stderr);
  }
}

/** `sluice top`. */
export const command: Command = { run: runTop, options: OPTIONS };

async function look(gateway: GatewayAddress): Promise<Look> {
  const list = (await askGateway(gateway, STREAMS_PATH)) as StreamList;
  return { ...list, at: performance.now() };
}

/** Looks until the user quits. Rejects with the gateway's reason if it refuses. */
async function watch(
  gateway: GatewayAddress,
  first: Look,
  everyMs: number,
  openScreen: (listener: ScreenListener) => Screen,
): Promise<void> {
  const view = new TopView(gateway.base);
  const quit = new AbortController();
  const draw = () => screen.draw(view.lines(screen.columns, screen.rows));
  const end = async (stream: string) => {
    try {
      await askGateway(gateway, `${STREAMS_PATH}/${stream}`, "DELETE");
      view.say(`ended ${stream}`);
    } catch (error) {
      view.say(reasonOf(error));
    }
    if (!quit.signal.aborted) draw();
  };
  using screen = openScreen({
    key(text) {
      const asked = view.key(text);
      if (asked && "quit" in asked) quit.abort();
      else {
        if (asked) void end(asked.end);
        draw();
      }
    },
    resized: draw,
  });
  view.seen(first);
  draw();
  while (await pause(everyMs, quit.signal)) {
    try {
      view.seen(await look(gateway));
    } catch (error) {
      if (!(error instanceof NoGateway)) throw error;
      view.lost(new Date().toTimeString().slice(0, 8));
    }
    if (!quit.signal.aborted) draw();
  }
}

/** Whether the time passed without an abort. */
const pause = (ms: number, signal: AbortSignal): Promise<boolean> =>
  setTimeout(ms, true, { signal }).catch(() => false);
