import { createServer, type Server, type Socket } from "node:net";
import { listen, urlOf } from "./listener.ts";

/** A process that serves sockets of the port. */
export interface Receiver {
  /** How many sockets it has open. */
  readonly open: number;
  /** Hands a socket over. Resolves when the process has it; rejects when it ended before, and the socket is still here. */
  give(socket: Socket): Promise<void>;
}

/** What sharing a port needs. */
export interface SharedPortParts {
  readonly host: string;
  readonly port: number;
  /** The receivers that take sockets now. */
  readonly receivers: () => readonly Receiver[];
  /** How long a receiver may take to accept a socket before others get the next ones, in milliseconds. */
  readonly patienceMs?: number;
}

/**
 * How many more sockets than the emptiest a receiver may have and get another one, while the emptiest is still accepting:
 * so a busy receiver delays nobody, and the difference stays small.
 */
const SLACK = 4;
const PATIENCE_MS = 250;
/** Sockets that wait for a receiver; more are closed. */
const MAX_WAITING = 1_024;

/**
 * Listens on a port and hands each socket to the receiver with the fewest. The port is held here alone: a receiver that
 * dies takes with it neither the port nor sockets that it has not accepted.
 */
export class SharedPort {
  readonly #parts: SharedPortParts;
  readonly #server: Server;
  #url = "";
  readonly #waiting: Socket[] = [];
  /** Receivers that have not accepted their last socket yet. */
  readonly #accepting = new Map<Receiver, { isLate: boolean }>();
  /** In the order in which they got their last socket. */
  #latest: readonly Receiver[] = [];

  private constructor(parts: SharedPortParts) {
    this.#parts = parts;
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      // The client may go while it waits.
      socket.on("error", () => {});
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(socket);
      else socket.destroy();
      this.distribute();
    });
  }

  /** Rejects when the address cannot be bound. */
  static async open(parts: SharedPortParts): Promise<SharedPort> {
    const shared = new SharedPort(parts);
    await listen(shared.#server, parts);
    shared.#url = urlOf(shared.#server);
    return shared;
  }

  /** `http://host:port`, as bound. */
  get url(): string {
    return this.#url;
  }

  /** Hands over what waits. To be called when a receiver begins to take sockets. */
  distribute(): void {
    for (;;) {
      const receiver = this.#waiting.length > 0 ? this.#next() : undefined;
      const socket = receiver && this.#waiting.shift();
      if (!socket) return;
      if (!socket.destroyed) void this.#give(socket, receiver);
    }
  }

  /** Stops listening, and closes the sockets that wait. */
  close(): void {
    this.#server.close();
    for (const socket of this.#waiting.splice(0)) socket.destroy();
  }

  /** The emptiest receiver; of several the one that has waited longest. Undefined while that one accepts a socket. */
  #next(): Receiver | undefined {
    const usable = this.#parts.receivers().filter((each) => !this.#accepting.get(each)?.isLate);
    const fewest = Math.min(...usable.map(({ open }) => open));
    const turn = (receiver: Receiver) => this.#latest.indexOf(receiver);
    const [first] = usable
      .filter((each) => !this.#accepting.has(each) && each.open < fewest + SLACK)
      .sort((one, other) => one.open - other.open || turn(one) - turn(other));
    return first;
  }

  async #give(socket: Socket, receiver: Receiver): Promise<void> {
    const state = { isLate: false };
    this.#accepting.set(receiver, state);
    const others = this.#parts.receivers().filter((each) => each !== receiver);
    this.#latest = [...this.#latest.filter((each) => others.includes(each)), receiver];
    const late = setTimeout(() => {
      state.isLate = true;
      this.distribute();
    }, this.#parts.patienceMs ?? PATIENCE_MS);
    try {
      await receiver.give(socket);
      // It is open in the other process.
      socket.destroy();
    } catch {
      this.#waiting.unshift(socket);
    }
    clearTimeout(late);
    this.#accepting.delete(receiver);
    this.distribute();
  }
}
