import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isObject, type JsonObject, parseJson } from "../core/kernel/json.ts";
import { anthropicMessages } from "./anthropic-messages.ts";
import type { DemoDialect } from "./demo-dialect.ts";
import { readDirectives } from "./directives.ts";
import { openaiChat } from "./openai-chat.ts";
import { openaiResponses } from "./openai-responses.ts";
import { paceOf } from "./pace.ts";
import { Playback, type Schedule } from "./playback.ts";
import { seededRandom } from "./random.ts";
import { writeScript } from "./script.ts";

export { demoRoutes } from "./demo-routes.ts";

/** How the demo upstream behaves. */
export interface DemoOptions {
  /** `realistic` (the default): about 250 ms to the first token, then 20 to 40 ms each. `instant`: no pauses. */
  readonly pace?: "realistic" | "instant";
  /** Timers and the time of day (Unix milliseconds), for tests. */
  readonly schedule?: Schedule;
  readonly wall?: () => number;
}

/** A running demo upstream. */
export interface DemoUpstream extends AsyncDisposable {
  /** `http://127.0.0.1:port`, without a path. */
  readonly url: string;
  /** Requests answered with a stream or an error. */
  readonly requests: number;
  /** Streams whose client disconnected before the end. */
  readonly cancelled: number;
  /** Ends all streams and the server. */
  close(): Promise<void>;
}

const DIALECTS: readonly DemoDialect[] = [anthropicMessages, openaiChat, openaiResponses];
/** Attachments are base64 in the body: room for the largest frame a client may send. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
/** Too long for clients to wait it out: they show the refusal at once. */
const RETRY_AFTER_S = "20";

const timer: Schedule = (delayMs, run) => {
  const timeout = setTimeout(run, delayMs);
  return () => clearTimeout(timeout);
};

/**
 * Starts the embedded upstream on a free port of 127.0.0.1: a real HTTP server that streams a scripted answer in three
 * provider dialects. Directives in double brackets in the prompt make it fail or change its pace (docs/demo.md).
 */
export async function startDemoUpstream(options: DemoOptions = {}): Promise<DemoUpstream> {
  const { pace = "realistic", schedule = timer, wall = Date.now } = options;
  const counters = { requests: 0, cancelled: 0 };

  const answer = (dialect: DemoDialect, body: JsonObject, response: ServerResponse): void => {
    const prompt = dialect.prompt(body);
    const { directives, rest } = readDirectives(prompt.text);
    const status = directives.error?.status;
    if (status !== undefined) {
      sendJson(response, status, dialect.errorBody(status, "The prompt asked for this error."));
      return;
    }

    const random = seededRandom(counters.requests);
    const script = writeScript(random, prompt, { directives, rest, speaks: dialect.speaks });
    const context = { body, random, createdS: Math.floor(wall() / 1000) };
    if (body.stream !== true) {
      if (script.ending === "complete") sendJson(response, 200, dialect.unary(script, context));
      else if (script.ending === "cut") response.destroy();
      else sendJson(response, 500, dialect.errorBody(500, "The demo upstream was asked to fail."));
      return;
    }
    const playback = new Playback(
      response,
      {
        beats: dialect.beats(script, context),
        pace: paceOf(pace, directives, random),
        ending: script.ending,
      },
      schedule,
    );
    response.on("close", () => {
      playback.stop();
      if (!playback.over) counters.cancelled++;
    });
    playback.start({ "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
  };

  const server = createServer((request, response) => {
    const dialect = DIALECTS.find(({ path }) => path === request.url);
    if (!dialect || request.method !== "POST") {
      sendJson(response, 404, { error: { message: "The demo upstream has no such path." } });
      return;
    }
    readBody(request, (body) => {
      counters.requests++;
      if (body) answer(dialect, body, response);
      else sendJson(response, 400, dialect.errorBody(400, "The body is not a JSON object, or it is too large."));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });

  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return counters.requests;
    },
    get cancelled() {
      return counters.cancelled;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function sendJson(response: ServerResponse, status: number, body: JsonObject): void {
  const retry = status === 429 ? { "retry-after": RETRY_AFTER_S } : {};
  response.writeHead(status, { "content-type": "application/json", ...retry }).end(JSON.stringify(body));
}

/** Calls back with the JSON object of a body, or undefined if it is none. A client that disconnects gets no answer. */
function readBody(request: IncomingMessage, done: (body: JsonObject | undefined) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  });
  request.on("end", () => {
    const value = bytes <= MAX_BODY_BYTES ? parseJson(Buffer.concat(chunks).toString("utf8")) : undefined;
    done(isObject(value) ? value : undefined);
  });
  request.on("error", () => {});
}
