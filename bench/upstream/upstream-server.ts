import { type AddressInfo, createServer, type Socket } from "node:net";
import { nowUs } from "../payload/clock.ts";
import { readPlan } from "../payload/plan.ts";
import { PlayedStream } from "./played-stream.ts";
import { type ReceivedRequest, RequestInput } from "./request-input.ts";
import { type UpstreamReport, UpstreamStats } from "./upstream-stats.ts";

const TICK_MS = 1;
const MODELS = JSON.stringify({ object: "list", data: [{ id: "bench", object: "model", owned_by: "bench" }] });

/** A model provider that plays what the prompt asks for. All paced streams share one millisecond clock. */
export class UpstreamServer {
  readonly #stats = new UpstreamStats();
  readonly #sockets = new Set<Socket>();
  readonly #playing = new Set<PlayedStream>();
  readonly #server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  #ticker: NodeJS.Timeout | undefined;

  /** Resolves with the port. */
  listen(port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ port, host: "127.0.0.1", backlog: 4096 }, () => {
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Stops listening and ends every answer. */
  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  report(): UpstreamReport {
    return this.#stats.report(nowUs());
  }

  /** Ends answers that a gateway keeps open for clients that have left; they would burden the next row. */
  hangUp(): void {
    for (const stream of [...this.#playing]) stream.hangUp();
  }

  reset(): void {
    this.#stats.reset();
  }

  #accept(socket: Socket): void {
    let stream: PlayedStream | undefined;
    this.#sockets.add(socket);
    const input = new RequestInput((request) => {
      stream = this.#answer(socket, request, () => {
        stream = undefined;
      });
    });
    const gone = () => stream?.gone();
    socket.on("data", (chunk) => input.read(chunk));
    socket.on("end", gone);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      stream?.gone();
    });
    // A reset means that the client left; its close follows.
    socket.on("error", gone);
  }

  #answer(socket: Socket, request: ReceivedRequest, ended: () => void): PlayedStream | undefined {
    if (request.method === "GET") {
      socket.write(
        `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${MODELS.length}\r\n\r\n${MODELS}`,
      );
      return undefined;
    }
    const stream: PlayedStream = new PlayedStream(socket, readPlan(request.text), this.#stats, () => {
      this.#playing.delete(stream);
      ended();
    });
    this.#playing.add(stream);
    stream.tick();
    this.#ticker ??= setInterval(() => this.#tick(), TICK_MS);
    return stream;
  }

  #tick(): void {
    for (const stream of this.#playing) stream.tick();
    if (this.#playing.size > 0) return;
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }
}
