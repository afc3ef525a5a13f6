import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "@jest/globals";
import { type FaceServerOptions, startFaceServer } from "../support/gateways/face-server.ts";

/** The server's whole answer to these bytes, up to the end of the connection; the client never hangs up by itself. */
async function answerTo(bytes: string, options: FaceServerOptions = {}): Promise<string> {
  await using server = await startFaceServer(options);
  const { hostname, port } = new URL(server.url);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
  socket.on("error", () => {});
  socket.write(bytes);
  const answer = await text(socket);
  socket.destroy();
  return answer;
}

const get = (path: string, ...more: readonly string[]) =>
  [`GET ${path} HTTP/1.1`, "Host: localhost", ...more, "", ""].join("\r\n");
const statuses = (answer: string) => [...answer.matchAll(/^HTTP\/1\.1 (\d+) /gm)].map(([, status]) => Number(status));

describe("a keep-alive socket", () => {
  test("serves 100 requests: the 100th response announces its close", async () => {
    const answer = await answerTo(get("/healthz").repeat(100));
    expect(statuses(answer)).toEqual(Array(100).fill(200));
    const answers = answer.split(/(?=HTTP\/1\.1 )/);
    expect(answers.findIndex((one) => /^connection: close/im.test(one))).toBe(99);
  });

  test("does not answer what was sent after the 100th request", async () => {
    expect(statuses(await answerTo(get("/healthz").repeat(150)))).toEqual(Array(100).fill(200));
  });
});

describe("a deliberately slow request", () => {
  const slowRequests = {
    headersTimeout: 40,
    requestTimeout: 0,
    connectionsCheckingInterval: 10,
    keepAliveTimeout: 50,
  };

  test.each([
    ["headers that never end", "GET / HTTP/1.1\r\nHost: localhost\r\nX-a: 1\r\n"],
    ["a body that never comes", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8192\r\n\r\nx"],
    ["a chunk that never comes", "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"],
    ["nothing at all", ""],
  ])("%s: its socket is closed when its time is over", async (_what, bytes) => {
    const pace = { silenceMs: 60, bytesPerSecond: 1 };
    const answer = await answerTo(bytes, { slowRequests, pace, lookMs: 10 });
    expect(answer === "" || /^HTTP\/1\.1 (408|404) /.test(answer)).toBe(true);
  });
});

describe("an ambiguous request is refused, and its socket closed", () => {
  const head = "POST / HTTP/1.1\r\nHost: localhost\r\n";
  test.each([
    ["a length and chunks", `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["two lengths", `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`],
    ["an encoding that is none", `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ["a space before the colon", `${head}Content-Length : 5\r\n\r\nhello`],
    ["a folded header", `${head}X-a: 1\r\n 2\r\n\r\n`],
    ["a line end alone", "GET / HTTP/1.1\nHost: localhost\n\n"],
    ["no host", "GET / HTTP/1.1\r\n\r\n"],
    ["a version that is none", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n"],
    ["what is no HTTP", "\u0016\u0003\u0001\u0002\u0000\u0001"],
    ["a chunk size that is none", `${head}Transfer-Encoding: chunked\r\n\r\nz\r\nhello\r\n0\r\n\r\n`],
  ])("%s", async (_what, bytes) => {
    const answers = statuses(await answerTo(bytes));
    expect(answers).toEqual([400]);
  });

  test("headers beyond 16 KiB", async () => {
    expect(statuses(await answerTo(get("/healthz", `X-a: ${"a".repeat(20_000)}`)))).toEqual([431]);
  });
});

describe("a request that lacks or repeats an identifying field is refused with 400", () => {
  const TWICE = [
    "Host: localhost",
    "Origin: http://localhost",
    "Authorization: Bearer a",
    "X-Api-Key: a",
    "X-Sluice-Upstream-Key: a",
  ];
  const upgrading = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"];
  const offering = ["Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==", "Sec-WebSocket-Protocol: played"];
  const kinds: [string, string, readonly string[]][] = [
    ["a request", "/", ["Connection: close"]],
    ["a probe", "/healthz", ["Connection: close"]],
    ["an upgrade", "/played", [...upgrading, ...offering]],
  ];
  const asked = (path: string, fields: readonly string[]) => [`GET ${path} HTTP/1.1`, ...fields, "", ""].join("\r\n");

  test.each(kinds)("%s with an identifying field twice, equal or not", async (_, path, fields) => {
    for (const field of TWICE) {
      const name = field.slice(0, field.indexOf(":"));
      const host = name === "Host" ? [] : ["Host: localhost"];
      for (const second of [field, `${name.toLowerCase()}: b`]) {
        expect([field, statuses(await answerTo(asked(path, [...host, field, ...fields, second])))]).toEqual([
          field,
          [400],
        ]);
      }
    }
  });

  test.each(kinds)("%s whose second Host follows 70 other fields", async (_, path, fields) => {
    const many = Array.from({ length: 70 }, (_field, at) => `X-${at}: 1`);
    expect(statuses(await answerTo(asked(path, ["Host: localhost", ...fields, ...many, "Host: evil.com"])))).toEqual([
      400,
    ]);
    expect(statuses(await answerTo(asked(path, ["Host: localhost", ...fields, ...many])))).toEqual([400]);
  });

  test.each(kinds)("%s without a Host", async (_, path, fields) => {
    expect(statuses(await answerTo(asked(path, fields)))).toEqual([400]);
  });

  test.each(kinds)("%s with a malformed Host", async (_, path, fields) => {
    const hosts = [
      "a b",
      "localhost, evil.com",
      "localhost/x",
      "me@localhost",
      "[::1",
      "localhost:80:80",
      "localhost:x",
      'a"b',
    ];
    for (const host of hosts) {
      expect([host, statuses(await answerTo(asked(path, [`Host: ${host}`, ...fields])))]).toEqual([host, [400]]);
    }
  });

  test("a request with 64 fields, each once, is answered", async () => {
    const many = Array.from({ length: 62 }, (_, at) => `X-${at}: 1`);
    expect(statuses(await answerTo(get("/healthz", "Connection: close", ...many)))).toEqual([200]);
  });

  test("a host that is not ours is refused with 403", async () => {
    for (const host of ["evil.com", "", "my_service:80", "a%20b", "localhost:99999"]) {
      expect(statuses(await answerTo(asked("/", [`Host: ${host}`, "Connection: close"])))).toEqual([403]);
    }
  });
});

test("CONNECT and TRACE are refused", async () => {
  expect(await answerTo("CONNECT evil.com:443 HTTP/1.1\r\nHost: evil.com:443\r\n\r\n")).toBe("");
  const traced = await answerTo("TRACE / HTTP/1.1\r\nHost: localhost\r\nX-a: canary\r\nConnection: close\r\n\r\n");
  expect(statuses(traced)).toEqual([404]);
  expect(traced).not.toContain("canary");
});
