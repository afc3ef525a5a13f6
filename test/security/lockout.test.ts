/** One stale token behind a shared address: what it and its neighbours are answered, on every path there is. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { upgrade } from "../support/clients/upgrade.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { OpenClawClient } from "../support/openclaw/openclaw-client.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";

const temporaryDirectory = temporaryDirectories();
const TOKEN = "the-right-one-of-everybody";
const WRONG = "the-stale-one-of-somebody";

interface Answer {
  readonly status: number;
  readonly retryAfterS: number;
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
const inSubprotocol = (secret: string) => ({
  "sec-websocket-protocol": `sluice.v1, base64url.bearer.sluice.${Buffer.from(secret).toString("base64url")}`,
});

const ask =
  (path: string, headersOf: (secret: string) => Record<string, string>, method = "GET") =>
  async (url: string, secret: string): Promise<Answer> => {
    const answer = await fetch(`${url}${path}`, { method, headers: headersOf(secret) });
    await answer.text();
    return { status: answer.status, retryAfterS: Number(answer.headers.get("retry-after")) };
  };

const open =
  (headersOf: (secret: string) => Record<string, string>) =>
  async (url: string, secret: string): Promise<Answer> => {
    const answer = await upgrade(url, { headers: headersOf(secret) });
    answer.socket?.destroy();
    return { status: answer.status, retryAfterS: Number(answer.headers["retry-after"]) };
  };

/** As HTTP would have said it: 101 for a hello, 429 for the refusal that tells when to come back, 401 for any other. */
const connect =
  (field: string) =>
  async (url: string, secret: string): Promise<Answer> => {
    const client = await OpenClawClient.dial(url);
    const asked = {
      minProtocol: 4,
      maxProtocol: 4,
      client: { id: "cli", version: "2026.9.6", platform: "linux", mode: "cli" },
      auth: { [field]: secret },
    };
    const hello = await client.request("connect", asked).catch((refused) => refused.error);
    client.hangUp();
    if (hello.type === "hello-ok") return { status: 101, retryAfterS: 0 };
    const isLimited = hello.details.code === "AUTH_RATE_LIMITED";
    return { status: isLimited ? 429 : 401, retryAfterS: (hello.retryAfterMs ?? 0) / 1_000 };
  };

/** A ticket of the right token, or one that nobody made. */
async function withTicket(url: string, secret: string): Promise<Answer> {
  const made = await fetch(`${url}/v1/ticket`, { method: "POST", headers: bearer(TOKEN) });
  const { ticket } = (await made.json()) as { ticket: string };
  const offered = secret === TOKEN ? ticket : secret;
  return open(() => ({ "sec-websocket-protocol": `ticket.sluice.${offered}, sluice.v1` }))(url, secret);
}

const WAYS: [string, number, (url: string, secret: string) => Promise<Answer>][] = [
  ["the models, with Authorization", 200, ask("/v1/models", bearer)],
  ["the models, with x-api-key", 200, ask("/v1/models", (secret) => ({ "x-api-key": secret }))],
  ["the usage", 200, ask("/v1/usage", bearer)],
  ["a ticket", 201, ask("/v1/ticket", bearer, "POST")],
  ["a stream that is not there", 410, ask("/v1/streams/s_none/events", bearer)],
  ["the metrics", 200, ask("/metrics", bearer)],
  ["what runs", 200, ask("/start.json", bearer)],
  ["the settings of the Control UI", 200, ask("/ui/control-ui-config.json", bearer)],
  ["the stream socket, with Authorization", 101, open(bearer)],
  ["the stream socket, with the token as a subprotocol", 101, open(inSubprotocol)],
  ["the stream socket, with a ticket", 101, withTicket],
  ["OpenClaw's socket, with auth.token", 101, connect("token")],
  ["OpenClaw's socket, with auth.password", 101, connect("password")],
  ["OpenClaw's socket, with auth.deviceToken", 101, connect("deviceToken")],
];

describe("an address with too many wrong tokens", () => {
  test.each(WAYS)("asks for %s: a further wrong one is told to wait, the right one gets in", async (_, good, way) => {
    const ui = temporaryDirectory();
    mkdirSync(join(ui, "assets"));
    writeFileSync(join(ui, "index.html"), "<!doctype html><html></html>");
    await using gateway = await startTestGateway({
      config: {
        auth: { token: TOKEN },
        limits: { requests: { authFailuresPerMinute: 2 } },
        openclaw: { controlUi: ui },
      },
    });
    const { url } = gateway;
    for (const attempt of [1, 2]) expect([attempt, (await way(url, WRONG)).status]).not.toEqual([attempt, 429]);
    const refused = await way(url, WRONG);
    expect(refused.status).toBe(429);
    expect(refused.retryAfterS).toBeGreaterThan(890);
    expect((await way(url, TOKEN)).status).toBe(good);
    expect((await way(url, WRONG)).status).toBe(429);
    expect((await way(url, TOKEN)).status).toBe(good);
    expect(gateway.log.text).not.toContain(WRONG);
  });

  test("may open OpenClaw's socket, whose credentials come in the first frame, and pages that need none", async () => {
    await using gateway = await startTestGateway({
      config: { auth: { token: TOKEN }, limits: { requests: { authFailuresPerMinute: 1 } } },
    });
    const { url } = gateway;
    expect((await ask("/v1/models", bearer)(url, WRONG)).status).toBe(401);
    expect((await ask("/v1/models", bearer)(url, WRONG)).status).toBe(429);
    const nothing = () => ({});
    expect((await ask("/", nothing)(url, "")).status).toBe(200);
    expect((await ask("/start.json", nothing)(url, "")).status).toBe(200);
    expect((await ask("/v1/models", nothing)(url, "")).status).toBe(401);
    const client = await OpenClawClient.dial(url);
    await client.until(() => client.payloads("connect.challenge").length > 0);
    client.hangUp();
  });
});
