import type { Socket } from "node:net";
import WebSocket from "ws";
import { connect, type Sluice, type SluiceStream } from "../../src/client/index.ts";
import { nowUs } from "../payload/clock.ts";
import { bodyFor, targetFor } from "./asked.ts";
import type { Target } from "./job.ts";
import type { LoadStream } from "./load-stream.ts";

/** `sluice/client` as an application uses it: one client, and a loop for each stream. It connects with its first stream. */
export class SdkSocket {
  readonly #target: Target;
  readonly #client: Sluice;
  readonly #streams = new Map<LoadStream, SluiceStream>();
  #socket: Socket | undefined;

  private constructor(target: Target) {
    this.#target = target;
    const keep = (socket: Socket): void => {
      this.#socket = socket;
    };
    class KeptSocket extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { perMessageDeflate: false, headers: target.headers ?? {} });
        this.on("upgrade", ({ socket }) => keep(socket));
      }
    }
    this.#client = connect({ url: target.url, WebSocket: KeptSocket });
  }

  static async open(target: Target): Promise<SdkSocket> {
    return new SdkSocket(target);
  }

  get socket(): Socket {
    if (!this.#socket) throw new Error("not connected");
    return this.#socket;
  }

  start(stream: LoadStream): void {
    const { route, model } = targetFor(this.#target, stream.plan);
    const body = { ...(model === undefined && { model: "bench" }), ...bodyFor(stream.plan) };
    stream.started();
    const opened = this.#client.open({
      ...(model === undefined ? { route: route ?? "bench" } : { model }),
      body,
      away: "cancel",
    });
    this.#streams.set(stream, opened);
    void this.#read(stream, opened);
  }

  cancel(stream: LoadStream): void {
    this.#streams.get(stream)?.cancel();
  }

  destroy(): void {
    for (const stream of this.#streams.keys()) stream.drop();
    this.#client.close();
  }

  /** Events arrive when the loop gets them, as in an application. */
  async #read(stream: LoadStream, opened: SluiceStream): Promise<void> {
    try {
      for await (const { data, raw } of opened) stream.payloadText(raw ? String(data) : JSON.stringify(data), nowUs());
      stream.end();
    } catch (error) {
      stream.end(error instanceof Error ? error.message : String(error));
    }
    this.#streams.delete(stream);
  }
}
