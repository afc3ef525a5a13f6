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
 * the tool printed. Speaks Messages, Chat Completions, Responses and Gemini's API, streamed or not. With `refuseWith` it answers
 * everything with that status instead.
 */
export async function startAgentProvider(command: string, refuseWith?: number): Promise<AgentProvider> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const seen = await read(request);
    asked.push(seen);
    if (refuseWith === undefined) reply(seen, response, command);
    else
      sendJson(response, refuseWith, { error: { type: "authentication_error", message: "the key is not known here" } });
  });
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

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  const body: unknown = text === "" ? {} : JSON.parse(text);
  const path = (request.url ?? "").split("?")[0] ?? "";
  return { method: request.method ?? "", path, headers: request.headers, body: isObject(body) ? body : {} };
}

function reply(asked: Asked, response: ServerResponse, command: string): void {
  const answer = callOf(asked, command) ?? textOf(asked);
  if (/\/(count|input)_tokens$/.test(asked.path)) {
    sendJson(response, 200, { input_tokens: 100 });
  } else if (asked.path.endsWith(":countTokens")) {
    sendJson(response, 200, { totalTokens: 100 });
  } else if (answer === undefined) {
    sendJson(response, 404, { error: { type: "not_found_error", message: "not here" } });
  } else {
    const isStreamed = asked.body.stream === true || asked.path.endsWith(":streamGenerateContent");
    response.writeHead(200, { "content-type": isStreamed ? "text/event-stream" : "application/json" });
    response.end(isStreamed ? answer.streamed : answer.unary);
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
