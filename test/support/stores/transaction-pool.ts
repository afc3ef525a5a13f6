import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestPostgres } from "./postgres.ts";

/** What a client's part in the protocol ends with: a statement, or the end of an extended question. */
const isWhole = (type: string): boolean => type === "Q" || type === "S";

/**
 * A pool before PostgreSQL that lends its one connection for a transaction, as PgBouncer does with `pool_mode = transaction`.
 * Clients are answered by what the server said when that connection was made.
 */
export async function startTransactionPool({ port }: TestPostgres) {
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  const onward = keep(connect(port, "127.0.0.1"));
  const greeted = Promise.withResolvers<Buffer>();
  const greeting: Buffer[] = [];
  let reader: Socket | undefined;
  let freed = Promise.withResolvers<void>();
  eachMessage(onward, (type, message) => {
    if (reader) reader.write(message);
    else greeting.push(message);
    if (type !== "Z") return;
    if (!reader) greeted.resolve(Buffer.concat(greeting));
    // In a transaction the connection stays with its client.
    if (message.at(-1) === "I".charCodeAt(0)) freed.resolve();
  });
  onward.write(startup({ user: "sluice", database: "postgres" }));

  let turn: Promise<unknown> = greeted.promise;
  const server = createServer((socket) => {
    keep(socket);
    let question: Buffer[] = [];
    let isInTurn = false;
    const ask = async (whole: Buffer): Promise<void> => {
      if (!isInTurn) {
        const before = turn;
        const mine = Promise.withResolvers<void>();
        turn = mine.promise;
        isInTurn = true;
        await before;
        reader = socket;
        freed = Promise.withResolvers();
        void freed.promise.then(() => {
          isInTurn = false;
          mine.resolve();
        });
      }
      onward.write(whole);
    };
    socket.once("data", async () => {
      eachMessage(socket, (type, message) => {
        if (type === "X") return void socket.end();
        question.push(message);
        if (!isWhole(type)) return;
        const whole = Buffer.concat(question);
        question = [];
        void ask(whole);
      });
      socket.write(await greeted.promise);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `postgres://sluice@127.0.0.1:${(server.address() as AddressInfo).port}/postgres`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Calls `take` with each message that arrives: its type, and all of it. */
function eachMessage(socket: Socket, take: (type: string, message: Buffer) => void): void {
  let rest = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 5) {
      const end = 1 + rest.readUInt32BE(1);
      if (rest.length < end) return;
      take(String.fromCharCode(rest[0] ?? 0), rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  });
}

/** The message that a connection begins with. */
function startup(parameters: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(parameters).flat().join("\0");
  const body = Buffer.from(`\0\x03\0\0${text}\0\0`, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([length, body]);
}
