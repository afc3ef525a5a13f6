import { once } from "node:events";
import { WebSocket } from "ws";

/** A socket that reads all frames and acknowledges none. */
export async function connect(url: string): Promise<WebSocket> {
  const ws = new WebSocket(`${url.replace("http", "ws")}/v1/stream`, ["sluice.v1"]);
  await once(ws, "open");
  return ws;
}

/** Opens a stream of the flood upstream, which records it under the stream's id. */
export function open(ws: WebSocket, id: string, flood: Readonly<Record<string, unknown>>): void {
  ws.send(JSON.stringify({ type: "open", id, model: "gpt", body: { key: id, ...flood } }));
}
