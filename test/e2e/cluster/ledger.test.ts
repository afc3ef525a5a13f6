import { expect, test } from "@jest/globals";
import { startTestGateway } from "../../support/gateway.ts";
import { describeWithRedis } from "../../support/redis.ts";
import { startScriptedUpstream } from "../../support/scripted-upstream.ts";
import { configFor, startSluice } from "../../support/sluice-process.ts";
import { temporaryDirectories } from "../../support/temporary-directory.ts";
import { turnsUntil } from "../../support/turns-until.ts";
import { nodeConfig, openOn } from "../../support/two-nodes.ts";

const directory = temporaryDirectories();

describeWithRedis("the ledger of a cluster", (redis) => {
  test("has the rows of a killed node closed as lost by a living one, soon after its lease is gone", async () => {
    await using upstream = await startScriptedUpstream();
    const config = nodeConfig(redis(), directory());
    await using living = await startTestGateway({ upstream: upstream.url, config });
    {
      await using killed = await startSluice({ ...configFor(upstream.url), ...config });
      using opened = await openOn(killed, upstream);
      const usage = async () => (await fetch(`${living.url}/v1/usage?by=route`)).text();
      await turnsUntil(async () => (await usage()).includes('"open":1'));
      expect(opened.stream).not.toBe("");
      killed.kill("SIGKILL");
    }
    const told = () => living.log.lines.find(({ event, state }) => event === "ledger" && state === "lost");
    // Its own look for dead runs comes after ten minutes.
    while (!told()) await new Promise((turn) => setTimeout(turn, 20));
    expect(told()).toMatchObject({ streams: 1 });
  });
});
