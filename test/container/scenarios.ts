import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { frameBytes, RawWebSocket, TEXT } from "../support/clients/raw-web-socket.ts";
import { StreamClient } from "../support/clients/stream-client.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { TOKEN } from "./container.ts";

const MIB = 1_048_576;
const PICTURE = "A".repeat(3_500_000);

/** What one caller does to the gateway at this address, within its limits; resolves when the worst is over. */
export type Scenario = (url: string) => Promise<void>;

/** Resolves when a socket has accepted these bytes, or is closed. */
const written = (socket: Duplex, bytes: Buffer): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    socket.once("close", () => resolve());
    socket.write(bytes, () => resolve());
  });

/** Bodies that announce 16 MiB and stop after 15. */
async function unfinishedBodies(url: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const head = [
    "POST /v1/chat/completions HTTP/1.1",
    `host: ${hostname}`,
    `authorization: Bearer ${TOKEN}`,
    "content-type: application/json",
    `content-length: ${16 * MIB}`,
  ];
  const body = Buffer.from(`${head.join("\r\n")}\r\n\r\n${"x".repeat(15 * MIB)}`);
  const sockets = Array.from({ length: 65 }, () => connect({ host: hostname, port: Number(port) }));
  for (const socket of sockets) socket.on("error", () => {}).resume();
  await Promise.all(sockets.map((socket) => written(socket, body)));
  for (const socket of sockets) socket.destroy();
}

/** Frames to the OpenClaw face that announce 25 MB and stop after 24. */
async function unfinishedFrames(url: string): Promise<void> {
  const params = {
    minProtocol: 4,
    maxProtocol: 4,
    client: { id: "cli", version: "1", platform: "linux", mode: "cli" },
    auth: { token: TOKEN },
  };
  const hello = JSON.stringify({ type: "req", id: "1", method: "connect", params });
  const frame = frameBytes({ opcode: TEXT, payload: Buffer.alloc(24_000_000, "x"), announcedBytes: 25_000_000 });
  const clients = await Promise.all(
    Array.from({ length: 42 }, async () => {
      const client = await RawWebSocket.connect(url, "/", "sluice.v1");
      client.send({ opcode: TEXT, payload: hello });
      await client.until(() => client.texts.some((text) => text.includes("hello-ok")));
      return client;
    }),
  );
  await Promise.all(clients.map(({ socket }) => written(socket, frame)));
  for (const client of clients) client.socket.destroy();
}

/** Opens of 1 MB of empty lists each, over 8 sockets, to an upstream that never answers. */
async function opensOfLists(url: string): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: 8 }, async () => (await StreamClient.connect(url, { token: TOKEN })).hello()),
  );
  const lists = `[${Array(333_333).fill("[]").join()}]`;
  for (let count = 0; count < 51; count++) {
    const client = clients[count % clients.length];
    client?.send(`{"type":"open","id":"o${count}","model":"quiet","body":{"messages":[],"x":${lists}}}`);
    await client?.take(({ type }) => type === "opened" || type === "error");
  }
  for (const client of clients) client.close();
}

/** As many pictures as one socket may send at once (`limits.requests.inboundBytesPerSecond`), then another socket continues. */
const PICTURES_PER_SOCKET = 15;

async function chatClient(url: string): Promise<OpenClawClient> {
  const client = await OpenClawClient.dial(url);
  await client.connect({ token: TOKEN });
  return client;
}

const sendPicture = (client: OpenClawClient, key: string) =>
  client.request("chat.send", {
    sessionKey: key,
    message: "What is this?",
    idempotencyKey: key,
    attachments: [{ mimeType: "image/png", content: PICTURE }],
  });

/** Chats with a picture of 3.5 MB, each a conversation of its own: one after the other, then 40 at once. */
async function chatsWithPictures(url: string): Promise<void> {
  for (let count = 0; count < 225; count += PICTURES_PER_SOCKET) {
    using client = await chatClient(url);
    for (let at = count; at < count + PICTURES_PER_SOCKET; at++) {
      await sendPicture(client, `one-${at}`);
      await client.ended(`one-${at}`);
    }
  }
  const clients = await Promise.all(Array.from({ length: 4 }, () => chatClient(url)));
  await Promise.allSettled(
    Array.from({ length: 40 }, (_, at) => {
      const client = clients[at % clients.length];
      return client && sendPicture(client, `many-${at}`);
    }),
  );
  for (const client of clients) client[Symbol.dispose]();
}

/** Requests of 3.5 MB on the stream face, one after another. */
async function requestsWithPictures(url: string): Promise<void> {
  const image = { type: "image_url", image_url: { url: `data:image/png;base64,${PICTURE}` } };
  const messages = [{ role: "user", content: [{ type: "text", text: "What is this?" }, image] }];
  for (let count = 0; count < 120; count += PICTURES_PER_SOCKET) {
    using client = await (await StreamClient.connect(url, { token: TOKEN })).hello();
    for (let at = count; at < count + PICTURES_PER_SOCKET; at++) {
      client.send({ type: "open", id: `r${at}`, model: "brief", body: { max_tokens: 8, messages } });
      const answer = await client.rest(`r${at}`).catch((error: Error) => error.message);
      // It keeps the event loop busy, so it is told to come back.
      if (typeof answer === "string" && answer.startsWith("overloaded")) await setTimeout(1_000);
    }
  }
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "65 unfinished bodies of 16 MiB": unfinishedBodies,
  "42 unfinished frames of 25 MB": unfinishedFrames,
  "51 opens full of empty lists over 8 sockets": opensOfLists,
  "225 chats with a picture of 3.5 MB, and 40 at once": chatsWithPictures,
  "120 requests of 3.5 MB, one after the other": requestsWithPictures,
};
