import { describe, expect, test } from "@jest/globals";
import { routesToRefusedAddresses, unreachableRoutes } from "../../src/compose/unreachable-routes.ts";
import { load } from "../config/sources.ts";

const configOf = (baseUrl: string, more = {}) =>
  load({
    routes: { mine: { dialect: "openai-chat", baseUrl, ...more } },
    models: { m: { route: "mine", model: "m" } },
  });

const warnings = (baseUrl: string, more = {}) => unreachableRoutes(configOf(baseUrl, more));

/** What is said of a route to `gpu.example.com` when that name has these addresses, and which names were looked up. */
async function afterLookup(addresses: readonly string[] | Error, baseUrl: string, more = {}) {
  const asked: string[] = [];
  const said: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    if (addresses instanceof Error) throw addresses;
    return addresses;
  };
  for await (const warning of routesToRefusedAddresses(configOf(baseUrl, more), resolve)) said.push(warning);
  return { asked, said };
}

describe("a name that leads to a refused address", () => {
  const GPU = "http://gpu.example.com:8000/v1";

  test.each([
    [["10.0.0.5"], "10.0.0.0/8"],
    [["1.1.1.1", "169.254.169.254"], "169.254.0.0/16"],
    [["100.64.0.1"], "100.64.0.0/10"],
    [["fd00::5"], "fc00::/7"],
  ])("is warned of with the value to write: %j", async (addresses, network) => {
    const { asked, said } = await afterLookup(addresses, GPU);
    expect(asked).toEqual(["gpu.example.com"]);
    expect(said).toEqual([
      `routes.mine.baseUrl: gpu.example.com: the upstream's address is not on the public internet (it is in ${network}); to allow it, set routes.mine.allowPrivateNetwork to ["${network}"]`,
    ]);
    expect((await afterLookup(addresses, GPU, { allowPrivateNetwork: [network] })).said).toEqual([]);
  });

  test("is not one with public addresses, or with none now", async () => {
    expect(await afterLookup(["1.1.1.1"], GPU)).toEqual({ asked: ["gpu.example.com"], said: [] });
    expect((await afterLookup(new Error("ENOTFOUND"), GPU)).said).toEqual([]);
  });

  test("is not looked for where the answer is known", async () => {
    const known: [string, object][] = [
      [GPU, { allowPrivateNetwork: true }],
      ["http://10.0.0.5:8000/v1", {}],
      ["http://gpu.lan/v1", {}],
      ["http://localhost:8000/v1", {}],
    ];
    for (const [baseUrl, more] of known) {
      expect((await afterLookup(["10.0.0.5"], baseUrl, more)).asked).toEqual([]);
    }
  });
});

describe("a route whose every call would be refused", () => {
  test.each([
    ["http://172.17.0.1:11434/v1", "172.16.0.0/12"],
    ["http://198.18.0.21:9/v1", "198.18.0.0/15"],
    ["http://[64:ff9b::102:304]:9/v1", "64:ff9b::/96"],
    ["http://[fd00::1]/v1", "fc00::/7"],
    ["http://169.254.169.254/", "169.254.0.0/16"],
  ])("is warned of before the first: %s", (baseUrl, network) => {
    expect(warnings(baseUrl)).toEqual([
      `routes.mine.baseUrl: the upstream's address is not on the public internet (it is in ${network}); to allow it, set routes.mine.allowPrivateNetwork to ["${network}"]`,
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
    expect(warnings(baseUrl)).toEqual([
      expect.stringContaining("to allow them, set routes.mine.allowPrivateNetwork to true"),
    ]);
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
