import { describe, expect, test } from "@jest/globals";
import { load, problemsOf } from "./sources.ts";

const problem = (config: unknown) => problemsOf({ demo: true, ...(config as object) });

describe("an unknown key", () => {
  test.each([
    [{ listen: { hots: "x" } }, "listen", "hots", "listen.host"],
    [{ limits: { drainms: 3 } }, "limits", "drainms", "limits.drainMs"],
    [{ limits: { opensBurst: 3 } }, "limits", "opensBurst", "limits.streams.opensBurst"],
    [{ limits: { framesPerSecond: 3 } }, "limits", "framesPerSecond", "limits.requests.framesPerSecond"],
    [{ limits: { upgradesPerSecond: 3 } }, "limits", "upgradesPerSecond", "limits.sockets.upgradesPerSecond"],
    [{ limits: { maxConnections: 3 } }, "limits", "maxConnections", "routes.<name>.maxConnections"],
    [{ controlUi: "x" }, "the file", "controlUi", "openclaw.controlUi"],
    [{ token: "x" }, "the file", "token", "auth.token"],
  ])("in %j is answered with the one that was meant", (config, path, key, meant) => {
    expect(problem(config)).toEqual([`${path}: found unknown "${key}", expected perhaps ${meant}`]);
  });

  const { streams, sockets, requests } = load({}).limits;
  const grouped = Object.entries({ streams, sockets, requests }).flatMap(([group, limits]) =>
    Object.keys(limits).map((key) => [key, `limits.${group}.${key}`]),
  );
  test.each(grouped)("limits.%s, without its group, is refused with %s", (key, meant) => {
    expect(problem({ limits: { [key]: 3 } })).toEqual([`limits: found unknown "${key}", expected perhaps ${meant}`]);
  });

  test("similar to no known one is refused with those there are", () => {
    expect(problem({ metrics: { zebra: 1 } })).toEqual([
      'metrics: found unknown "zebra", expected only enabled, callerLabel, listen',
    ]);
    expect(problem({ zebra: 1 })[0]).toMatch(/"zebra", expected only .*routes, models, /);
  });
});
