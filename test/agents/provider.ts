import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isObject } from "../../src/core/kernel/json.ts";
import { callOf, textOf } from "./answers.ts";

/** One request an agent made, as the provider saw it. */
export interface Asked {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Readonly<Record<string, unknown>>;
}

export interface AgentProvider extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Everything asked so far. */
  readonly asked: readonly Asked[];
}

/**
 * A model that behaves as agents expect: given a tool that runs commands, it runs `command` once and then repeats what
 * the tool printed. Speaks Messages, Chat Completions and Responses, streamed or not.
 */
export async function startAgentProvider(command: string): Promise<AgentProvider> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => void reply(request, response, command, asked));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function reply(request: IncomingMessage, response: ServerResponse, command: string, asked: Asked[]) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const body: unknown = text === "" ? {} : JSON.parse(text);
  const path = (request.url ?? "").split("?")[0] ?? "";
  const seen: Asked = {
    method: request.method ?? "",
    path,
    headers: request.headers,
    body: isObject(body) ? body : {},
  };
  asked.push(seen);
  if (path.endsWith("/count_tokens") || path.endsWith("/input_tokens")) {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ object: "response.input_tokens", input_tokens: Math.ceil(text.length / 4) }));
    return;
  }
  const call = callOf(seen, command);
  const events = call ?? textOf(seen);
  if (events === undefined) {
    response.writeHead(404, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: { type: "not_found_error", message: `no such path: ${path}` } }));
    return;
  }
  response.writeHead(200, { "content-type": seen.body.stream === true ? "text/event-stream" : "application/json" });
  response.end(seen.body.stream === true ? events.streamed : events.unary);
}
