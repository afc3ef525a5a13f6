import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { Registry } from "prom-client";
import { clusterMetrics, postgresMetrics } from "../../src/observe/cluster-metrics.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { namesOf } from "../support/gateways/prom-query.ts";

const read = (path: string) => readFileSync(new URL(`../../docs/${path}`, import.meta.url), "utf8");
const ALERTS = read("operate/alerts.yaml");
const dashboard = JSON.parse(read("operate/dashboard.json")) as {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
};

const rules = [...ALERTS.matchAll(/- alert: (\w+)\n\s+expr: (.+)/g)].map(
  ([, name = "", expr = ""]) => [name, expr] as const,
);
const panels = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const));

/** Labels that Prometheus adds to what it scrapes, and the one of a histogram's buckets. */
const SCRAPED = ["job", "instance", "le"];

/** The labels of every metric, as docs/metrics.md lists them; test/observe/metrics.test.ts holds that page to the code. */
const documented = new Map(
  [...read("metrics.md").matchAll(/^\| `(\w+)` +\| \w+ +\| ([^|]*)\|/gm)].map(([, name = "", labels = ""]) => [
    name,
    [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label),
  ]),
);

const gateway = startTestGateway();
const served = gateway.then(async (one) => {
  const text = await (await fetch(`${one.url}/metrics`)).text();
  await one[Symbol.asyncDispose]();
  const register = new Registry();
  clusterMetrics(register);
  postgresMetrics(register);
  const all = text + (await register.metrics());
  return new Set([...all.matchAll(/^# TYPE (\w+) (\w+)/gm)].map(([, name = ""]) => name));
});

const known = async (name: string): Promise<string | undefined> => {
  const base = name.replace(/_(?:bucket|sum|count)$/, "");
  return [name, base].find((each) => documented.has(each) && (each === name || base !== name)) ?? undefined;
};

describe("the alerts and the dashboard", () => {
  test("are thirteen, and one page", () => {
    expect(rules).toHaveLength(13);
    expect(new Set(rules.map(([name]) => name)).size).toBe(13);
    expect(panels.length).toBeGreaterThan(15);
  });

  test.each([...rules, ...panels])("%s asks for what a gateway serves: %s", async (_, query) => {
    const { metrics, grouped } = namesOf(query);
    expect(metrics.size).toBeGreaterThan(0);
    for (const [metric, labels] of metrics) {
      if (metric === "up") continue;
      const name = await known(metric);
      expect([metric, name !== undefined && (await served).has(name)]).toEqual([metric, true]);
      const allowed = [...(documented.get(name ?? "") ?? []), ...SCRAPED];
      expect(allowed).toEqual(expect.arrayContaining([...labels, ...grouped]));
    }
  });

  test("a query's names are read", () => {
    const { metrics, grouped } = namesOf('sum by (route, le) (rate(a_bucket{x=~"b|c", y!="d"}[5m])) / on () e > 0.5');
    expect([...metrics]).toEqual([
      ["a_bucket", ["x", "y"]],
      ["e", []],
    ]);
    expect(grouped).toEqual(["route", "le"]);
  });
});

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
(hasPromtool ? test : test.skip)("promtool accepts the alert rules (skipped: there is no promtool here)", () => {
  const file = fileURLToPath(new URL("../../docs/operate/alerts.yaml", import.meta.url));
  expect(execFileSync("promtool", ["check", "rules", file], { encoding: "utf8" })).toContain("SUCCESS: 12 rules found");
});
