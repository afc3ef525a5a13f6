import { describe, expect, test } from "@jest/globals";
import { unreachableRoutes } from "../../src/compose/unreachable-routes.ts";
import { load } from "../config/sources.ts";

const warnings = (baseUrl: string, more = {}) =>
  unreachableRoutes(
    load({
      routes: { mine: { dialect: "openai-chat", baseUrl, ...more } },
      models: { m: { route: "mine", model: "m" } },
    }),
  );

describe("a route whose every call would be refused", () => {
  test.each([
    ["http://172.17.0.1:11434/v1", "172.16.0.0/12"],
    ["http://198.18.0.21:9/v1", "198.18.0.0/15"],
    ["http://[64:ff9b::102:304]:9/v1", "64:ff9b::/96"],
    ["http://[fd00::1]/v1", "fc00::/7"],
    ["http://169.254.169.254/", "169.254.0.0/16"],
  ])("is warned of before the first: %s", (baseUrl, network) => {
    expect(warnings(baseUrl)).toEqual([
      `routes.mine.baseUrl: the upstream's address is not on the public internet (it is in ${network}); routes.mine.allowPrivateNetwork can allow it`,
    ]);
    expect(warnings(baseUrl, { allowPrivateNetwork: [network] })).toEqual([]);
    expect(warnings(baseUrl, { allowPrivateNetwork: true })).toEqual([]);
    expect(warnings(baseUrl, { allowPrivateNetwork: ["192.168.0.0/16"] }).length).toBe(1);
  });

  test.each([
    "http://ollama:11434/v1",
    "http://host.docker.internal:11434/v1",
    "http://gpu.lan/v1",
    "http://mac.local/v1",
  ])("is warned of by its name: %s", (baseUrl) => {
    expect(warnings(baseUrl)).toEqual([expect.stringContaining("routes.mine.allowPrivateNetwork")]);
    expect(warnings(baseUrl, { allowPrivateNetwork: true })).toEqual([]);
    expect(warnings(baseUrl, { allowPrivateNetwork: ["172.16.0.0/12"] })).toEqual([]);
  });

  test.each([
    "https://api.openai.com/v1",
    "http://127.0.0.1:11434/v1",
    "http://localhost:1234",
    "http://[::1]:1/",
    "https://1.1.1.1",
  ])("is not meant by %s", (baseUrl) => {
    expect(warnings(baseUrl)).toEqual([]);
  });
});
