/** The ways of docs/faults.md in which an upstream breaks before its answer has content, by what it does. */
import type { ScriptedExchange } from "./scripted-upstream.ts";
import { HEAD, OVERLOADED } from "./several-targets.ts";

type Breaks = (exchange: ScriptedExchange) => void;

const refusal =
  (status: number, message = "busy"): Breaks =>
  (exchange) =>
    void exchange.json(status, { error: { message } });

/** Goes on saying this until the gateway has closed the connection. */
function endlessly(exchange: ScriptedExchange, say: () => void): void {
  const repeat = () => {
    if (exchange.isClosed) return;
    say();
    setTimeout(repeat, 50).unref();
  };
  repeat();
}

/** U2 to U6, and a refused key: a whole response that is no stream. */
const REFUSALS: Readonly<Record<string, Breaks>> = {
  "refuses with 503": refusal(503),
  "refuses with 500": refusal(500),
  "refuses with 502": refusal(502),
  "refuses with 529": refusal(529),
  "refuses with 429": (exchange) => void exchange.json(429, { error: { message: "slow" } }, { "retry-after-ms": "1" }),
  "has no credit left (402)": refusal(402, "insufficient balance"),
  "refuses the key": (exchange) => void exchange.json(401, { error: { message: "bad key", code: "invalid_api_key" } }),
  "sends no stream": (exchange) => void exchange.head(200, { "content-type": "text/html", "content-length": "0" }),
  "sends an empty stream": (exchange) =>
    void exchange.head(200, { "content-type": "text/event-stream", "content-length": "0" }),
  "sends a page": (exchange) =>
    void exchange.head(200, { "content-type": "text/html", "content-length": "15" }).write("<h1>Sorry!</h1>"),
  "sends nothing (204)": (exchange) => void exchange.head(204),
  redirects: (exchange) => void exchange.head(302, { location: "/elsewhere", "content-length": "0" }),
  "compresses unasked": (exchange) => void exchange.sse({ "content-encoding": "gzip" }),
};

/** U7, U11, U15, U20: nothing that HTTP would call a whole head. */
const HEADS: Readonly<Record<string, Breaks>> = {
  "resets before a byte": (exchange) => exchange.reset(),
  "closes without a byte": (exchange) => exchange.finish(),
  "closes in the middle of its head": (exchange) => exchange.write("HTTP/1.1 200 OK\r\ncontent-ty").finish(),
  "resets in the middle of its head": (exchange) => exchange.write("HTTP/1.1 200 OK\r\ncontent-ty").reset(),
  "is silent in the middle of its head": (exchange) => void exchange.write("HTTP/1.1 200 OK\r\ncontent-ty"),
  "sends no head in time": () => {},
  "sends no HTTP": (exchange) => exchange.write("SSH-2.0-OpenSSH_9.9\r\n").finish(),
  "sends a head too large": (exchange) => void exchange.sse({ "x-large": "x".repeat(20_000) }),
  "asks to go on for ever (100)": (exchange) =>
    endlessly(exchange, () => exchange.write("HTTP/1.1 100 Continue\r\n\r\n")),
  "hints for ever (103)": (exchange) =>
    endlessly(exchange, () => exchange.write("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")),
};

/** U8, U10 to U15, U21, U24: a stream that comes to nothing. */
const STREAMS: Readonly<Record<string, Breaks>> = {
  "closes after its head, as a server that goes away": (exchange) => exchange.sse({ connection: "close" }).finish(),
  "ends before an event": (exchange) => void exchange.sse().end(),
  "ends before an event, with the connection": (exchange) =>
    exchange.head(200, { "content-type": "text/event-stream" }).finish(),
  "says nothing in time": (exchange) => void exchange.sse().chunk(": waiting\n\n"),
  "sends comments for ever": (exchange) => {
    exchange.sse();
    endlessly(exchange, () => exchange.chunk(": waiting\n\n"));
  },
  "is overloaded in its first event": (exchange) => void exchange.sse().event(OVERLOADED).end(),
  "is overloaded after its head": (exchange) => void exchange.sse().event(HEAD).event(OVERLOADED).end(),
  "breaks off after its head": (exchange) => exchange.sse().event(HEAD).reset(),
  "ends after its head": (exchange) => void exchange.sse().event(HEAD).end(),
  "resets in its first event": (exchange) => exchange.sse().chunk('data: {"choices":[{"del').reset(),
  "closes in its first event": (exchange) => exchange.sse().chunk('data: {"choices":[{"del').finish(),
  "ends in its first event": (exchange) => void exchange.sse().chunk('data: {"choices":[{"del').end(),
  "breaks its chunks": (exchange) => exchange.sse().event(HEAD).write("no chunk\r\n").finish(),
  "sends a first event that is no JSON": (exchange) => void exchange.sse().event("<html>busy</html>").end(),
  "sends half an event, then another": (exchange) => void exchange.sse().event('{"choices":[{').event(OVERLOADED).end(),
};

export const BREAKS: Readonly<Record<string, Breaks>> = { ...REFUSALS, ...HEADS, ...STREAMS };
