import { describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { answerJson, startProvider } from "../../support/upstreams/provider.ts";
import { setUp } from "./set-up.ts";

/** Two routes to one provider, told apart by their base paths, that list the same path. */
async function twoRoutes() {
  const stack = new AsyncDisposableStack();
  const provider = stack.use(await startProvider((_, response) => answerJson(response, {})));
  const route = (name: string, more: object = {}) => ({
    dialect: "openai-chat",
    baseUrl: `${provider.url}/${name}/v1`,
    passThrough: ["POST /v1/embeddings"],
    ...more,
  });
  const gateway = stack.use(
    await startTestGateway({
      config: {
        routes: {
          one: route("one"),
          two: route("two", { passModels: ["two-*"] }),
          chat: route("chat", { passThrough: [] }),
        },
        models: {
          embed: { route: "two", model: "text-embedding-2" },
          either: {
            targets: [
              { route: "chat", model: "e0" },
              { route: "one", model: "e1" },
            ],
          },
          gpt: { route: "chat", model: "gpt-test" },
        },
      },
    }),
  );
  return {
    provider,
    async embed(body: object | string) {
      const response = await fetch(`${gateway.url}/v1/embeddings`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: typeof body === "string" ? body : JSON.stringify(body),
      });
      const last = provider.requests.at(-1);
      return response.ok ? `${last?.url} ${last?.text}` : `${response.status} ${await response.text()}`;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

describe("a path that two routes list", () => {
  test.each([
    ["an alias", "embed", "two", "text-embedding-2"],
    ["route/alias", "two/embed", "two", "text-embedding-2"],
    ["an alias with several targets, the first that lists the path", "either", "one", "e1"],
    ["route:model", "one:text-embedding-3", "one", "text-embedding-3"],
    ["a name that one of them passes", "two-large", "two", "two-large"],
  ])("goes by %s", async (_, model, route, sent) => {
    await using rig = await twoRoutes();
    expect(await rig.embed({ input: 1.5e1, model })).toBe(`/${route}/v1/embeddings {"input":15,"model":"${sent}"}`);
  });

  test("is refused, with advice, if the body does not tell them apart", async () => {
    await using rig = await twoRoutes();
    for (const body of [{ input: "a" }, { input: "a", model: "text-embedding-3" }]) {
      expect(await rig.embed(body)).toMatch(/^400 .*several routes take POST \/v1\/embeddings \(one, two\)/);
    }
    expect(await rig.embed({ model: "gpt" })).toMatch(/^400 .*the route of gpt does not list POST \/v1\/embeddings/);
    expect(rig.provider.requests).toEqual([]);
  });

  test("keeps a body as its client wrote it, except the model", async () => {
    await using rig = await twoRoutes();
    const body = '{ "input": [1.50, 9007199254740993],\n"model" : "embed", "n": {"model": "x"} }';
    expect(await rig.embed(body)).toBe(`/two/v1/embeddings ${body.replace('"embed"', '"text-embedding-2"')}`);
  });

  test.each([
    ["no JSON", "input=a"],
    ["a list", "[]"],
    ["two models", '{"model":"embed","mod\\u0065l":"gpt-9"}'],
    ["a model that is no text", '{"model":["embed"]}'],
    ["a cut object", '{"model":"embed"'],
    ["more behind the object", '{"model":"embed"}{"model":"gpt-9"}'],
    ["a name with a line break", '{"model":"a\\nb"}'],
  ])("refuses a body that is %s", async (_, body) => {
    await using rig = await twoRoutes();
    expect(await rig.embed(body)).toMatch(/^400 /);
    expect(rig.provider.requests).toEqual([]);
  });
});

describe("what goes to the provider", () => {
  test("is the client's query, without parameters that carry keys and below the route's own", async () => {
    await using rig = await setUp(
      (_, response) => answerJson(response, {}),
      (upstream) => ({
        routes: {
          azure: {
            dialect: "openai-chat",
            baseUrl: `${upstream}/openai/v1`,
            query: { "api-version": "preview" },
            passThrough: ["GET /v1/files"],
          },
        },
        models: { m: { route: "azure", model: "m" } },
      }),
    );
    await fetch(`${rig.url}/v1/files?limit=5&a=x%26y&a=2&api-version=old&api_key=sk-canary-1&token=sk-canary-2`);
    expect(rig.provider.requests.map(({ url }) => url)).toEqual([
      "/openai/v1/files?api-version=preview&limit=5&a=x%26y&a=2",
    ]);
    expect(rig.gateway.log.text).not.toMatch(/canary|limit=5/);
  });

  test("has no credential, cookie or address of the client's", async () => {
    await using rig = await setUp((_, response) => answerJson(response, {}));
    await fetch(`${rig.url}/v1/files`, {
      headers: {
        authorization: "Bearer sk-canary-1",
        "x-api-key": "sk-canary-2",
        cookie: "a=sk-canary-3",
        "x-forwarded-for": "203.0.113.7",
        "proxy-authorization": "Basic sk-canary-4",
        "openai-organization": "org-of-the-client",
        "openai-beta": "assistants=v2",
        range: "bytes=0-9",
      },
    });
    const [{ headers } = { headers: {} }] = rig.provider.requests;
    expect(JSON.stringify(headers)).not.toMatch(/canary|203\.0|org-of/);
    expect(headers).toMatchObject({ "openai-beta": "assistants=v2", range: "bytes=0-9" });
  });

  test("comes back without a cookie or a header of the connection, and cannot act as a page", async () => {
    await using rig = await setUp((_, response) => {
      response.writeHead(200, {
        "content-type": "text/html",
        "set-cookie": "a=1",
        "x-ratelimit-remaining-requests": "7",
        "access-control-allow-origin": "*",
        "content-disposition": 'attachment; filename="a.html"',
      });
      response.end("<script>1</script>");
    });
    const { headers } = await fetch(`${rig.url}/v1/files/a/content`);
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "text/html",
      "content-disposition": 'attachment; filename="a.html"',
      "x-ratelimit-remaining-requests": "7",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "cache-control": "no-store",
    });
    expect([headers.get("set-cookie"), headers.get("access-control-allow-origin")]).toEqual([null, null]);
  });

  test("comes back with its own status, with a body or without", async () => {
    await using rig = await setUp(({ method }, response) => {
      if (method === "DELETE") response.writeHead(204).end();
      else response.writeHead(206, { "content-range": "bytes 0-1/9", "content-length": 2 }).end("ab");
    });
    const part = await fetch(`${rig.url}/v1/files/a/content`);
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([206, "bytes 0-1/9", "ab"]);
    const gone = await fetch(`${rig.url}/v1/files/a`, { method: "DELETE" });
    expect([gone.status, await gone.text()]).toEqual([204, ""]);
  });

  test("is a stream where the provider streams", async () => {
    const written = Promise.withResolvers<() => void>();
    await using rig = await setUp((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: 1\n\n");
      written.resolve(() => response.end("data: 2\n\n"));
    });
    const answer = await fetch(`${rig.url}/v1/images/generations`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "gpt-image-1", stream: true }),
    });
    const reader = answer.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("data: 1\n\n");
    (await written.promise)();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("data: 2\n\n");
  });
});

describe("a path that is not exactly one that a route lists", () => {
  test.each([
    "/v1/files/../embeddings",
    "/v1/files/..%2f..%2fadmin",
    "/v1/files/%2e%2e",
    "/v1/files/a%2Fcontent",
    "/v1/files/a;/../b/content",
    "/v1/files/a/b/content",
    "/v1/files/a/content/",
    "/v1/files/a\\..\\b",
    "/v1/files/./content",
    "/v1/moderations",
  ])("is not passed on: GET %s", async (path) => {
    await using rig = await setUp((_, response) => answerJson(response, {}));
    const { request } = await import("node:http");
    const { port } = new URL(rig.url);
    const status = await new Promise<number | undefined>((resolve) =>
      request({ host: "127.0.0.1", port, path }, (response) => resolve(response.resume().statusCode)).end(),
    );
    // A slash too many is corrected, as for every path of the vendors'.
    if (path.endsWith("content/")) expect(rig.provider.requests.map(({ url }) => url)).toEqual([path.slice(0, -1)]);
    else expect([status, rig.provider.requests]).toEqual([404, []]);
  });
});
