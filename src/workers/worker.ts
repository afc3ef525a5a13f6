import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import type { Gateway, GatewayOptions } from "../compose/running.ts";
import { loadConfig } from "../config/load.ts";
import { type FilesRead, replayingReader } from "../config/read-files.ts";
import type { Config } from "../config/schema.ts";
import type { TailResult } from "../observe/log-tail.ts";
import type { SocketSource } from "../transport/http/handed-sockets.ts";
import type { PrimaryCalls, WorkerCalls } from "./calls.ts";
import { type Channel, Link } from "./link.ts";
import { configOfWorker } from "./share.ts";

/** The outside world as a worker sees it. */
export interface WorkerWorld {
  /** From 1. */
  readonly number: number;
  /** The process's signals and faults, and the end of its channel. */
  readonly source: Pick<EventEmitter, "on">;
  /** To the process that started this one. */
  readonly channel: Channel & { disconnect(): void };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Creates the gateway of one of so many workers. */
  readonly createGateway: (
    config: Config,
    options: Pick<GatewayOptions, "worker" | "common">,
    workers: number,
  ) => Promise<Gateway>;
  /** Why a start failed, in a line for the operator. */
  readonly describe: (error: unknown) => string;
  /** Reports a fault of the gateway. */
  readonly reportFault: (error: unknown) => void;
}

/** How long the process that started this one may take to answer, in milliseconds. */
const ANSWER_MS = 10_000;
const NO_LINES: TailResult = { cursor: 0, size: 0, lines: [] };

/** Runs one worker until it should stop, or the process that started it is gone. Resolves with the exit code. */
export async function runWorker(world: WorkerWorld): Promise<number> {
  const { source, channel, number, env, cwd } = world;
  const stop = Promise.withResolvers<{ readonly code: 0 | 1; readonly reason: string }>();
  const running = Promise.withResolvers<Gateway>();
  const sockets = new Sockets();
  let workers = 1;
  const load = (files: FilesRead): Config =>
    configOfWorker(loadConfig({ env, cwd, readFile: replayingReader(files) }), number, workers);
  const calls: WorkerCalls = {
    socket(id, socket) {
      link.tell("taken", id);
      sockets.take(socket, () => link.tell("closed", sockets.closed));
    },
    measure: async () => (await running.promise).measure(),
    reload: async (files) => (await running.promise).reload(() => load(files)),
    stop: (reason) => stop.resolve({ code: 0, reason }),
  };
  const link = new Link<PrimaryCalls>(channel, { ...calls });
  source.on("disconnect", () => stop.resolve({ code: 0, reason: "parent_gone" }));
  // A terminal sends these to all processes, and the one that started this one decides.
  for (const signal of ["SIGINT", "SIGHUP"]) source.on(signal, () => {});
  source.on("SIGTERM", () => link.tell("terminated", null));
  source.on("uncaughtException", (error) => {
    world.reportFault(error);
    link.tell("full", null);
    stop.resolve({ code: 1, reason: "fault" });
  });

  const start = await link.ask("start", null, ANSWER_MS);
  if (!start) return 1;
  workers = start.workers;
  try {
    const config = load(start.files);
    const gateway = await world.createGateway(
      config,
      {
        worker: number,
        common: {
          sockets: sockets.from(start.url, () => link.tell("full", null)),
          logs: { read: async (request) => (await link.ask("lines", request, ANSWER_MS)) ?? NO_LINES },
          metrics: async () => (await link.ask("metrics", null, ANSWER_MS)) ?? "",
        },
      },
      workers,
    );
    running.resolve(gateway);
    link.tell("ready", gateway.record);
    const { code, reason } = await stop.promise;
    await gateway.close(reason);
    return code;
  } catch (error) {
    link.tell("failed", world.describe(error));
    return 1;
  } finally {
    channel.disconnect();
  }
}

/** The sockets that this worker was handed. */
class Sockets {
  /** How many have closed so far. */
  closed = 0;
  #take: ((socket: Socket) => void) | undefined;
  #report: NodeJS.Immediate | undefined;

  from(url: string, full: () => void): SocketSource {
    return {
      url,
      receive: (take) => {
        this.#take = take;
        return () => {
          this.#take = undefined;
          full();
        };
      },
    };
  }

  take(socket: Socket | undefined, report: () => void): void {
    const over = () => {
      this.closed++;
      this.#report ??= setImmediate(() => {
        this.#report = undefined;
        report();
      });
    };
    // Its client left while it was handed over.
    if (!socket) over();
    else {
      socket.once("close", over);
      if (this.#take) this.#take(socket);
      else socket.destroy();
    }
  }
}
