import { expect, test } from "@jest/globals";
import { startTestGateway } from "../../support/gateways/gateway.ts";
import { answerJson, startProvider } from "../../support/upstreams/provider.ts";

test("a route with a probe is asked for its models, and the outcome is shown; one without is not asked", async () => {
  const asked = Promise.withResolvers<void>();
  await using provider = await startProvider((_, response) => {
    answerJson(response, { data: [] });
    asked.resolve();
  });
  const route = { dialect: "openai-chat", baseUrl: `${provider.url}/v1` };
  await using gateway = await startTestGateway({
    config: {
      routes: { a: { ...route, probe: { everyMs: 1_000 } }, b: { ...route, baseUrl: `${provider.url}/b/v1` } },
      models: { m: { route: "a", model: "m" }, n: { route: "b", model: "n" } },
      metrics: { enabled: true },
    },
  });
  await asked.promise;
  for (;;) {
    const { targets } = (await (await fetch(`${gateway.url}/v1/targets`)).json()) as {
      readonly targets: readonly { readonly route: string; readonly lastProbe: object | null }[];
    };
    const [a, b] = targets;
    expect(b?.lastProbe).toBeNull();
    if (a?.lastProbe) {
      expect(a.lastProbe).toEqual({ at: expect.any(Number), ms: expect.any(Number), code: null });
      break;
    }
  }
  expect(new Set(provider.requests.map(({ method, url }) => `${method} ${url}`))).toEqual(new Set(["GET /v1/models"]));
  expect(await (await fetch(`${gateway.url}/metrics`)).text()).toMatch(
    /^sluice_probes_total\{route="a",outcome="ok"\} [1-9]/m,
  );
  // Nothing of it is usage.
  expect(gateway.log.lines.filter(({ event }) => event === "stream")).toEqual([]);
});
