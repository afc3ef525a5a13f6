import { describe, expect, test } from "@jest/globals";
import { startTestGateway } from "../../support/gateways/gateway.ts";

/** A model server in the house, as its configuration is written first. */
const config = {
  routes: { house: { dialect: "openai-chat", baseUrl: "http://10.0.0.5:8000/v1" } },
  models: { llama: { route: "house", model: "llama" } },
};

const MESSAGE =
  'the upstream\'s address is not on the public internet (it is in 10.0.0.0/8); to allow it, set routes.house.allowPrivateNetwork to ["10.0.0.0/8"]';

describe("a model server at a private address that is not allowed", () => {
  test.each([
    ["/v1/chat/completions", { error: { code: "upstream_not_allowed", message: MESSAGE } }],
    ["/v1/messages", { error: { type: "invalid_request_error", message: MESSAGE } }],
  ])("is a 400 on %s that names the key and its value, and so does the log", async (path, body) => {
    await using gateway = await startTestGateway({
      config:
        path === "/v1/messages"
          ? { ...config, routes: { house: { ...config.routes.house, dialect: "anthropic-messages" } } }
          : config,
    });
    const response = await fetch(gateway.url + path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        model: "llama",
        max_tokens: 1,
        stream: true,
        messages: [{ role: "user", content: "Hi" }],
      }),
    });
    expect([response.status, response.headers.get("x-should-retry")]).toEqual([400, "false"]);
    expect(await response.json()).toMatchObject(body);
    expect(gateway.log.lines.find(({ event }) => event === "stream")).toMatchObject({
      route: "house",
      code: "upstream_not_allowed",
      setting: "routes.house.allowPrivateNetwork",
    });
  });
});
