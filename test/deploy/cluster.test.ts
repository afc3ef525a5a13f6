import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { loadConfig } from "../../src/config/load.ts";
import { asString } from "../../src/core/kernel/json.ts";
import { MIGRATION_MS } from "../../src/storage/postgres/migrations.ts";
import { clusterCaddy, clusterNginx, DEPLOY } from "../support/network/front-proxy.ts";
import { at, expectNoRights, manifestsIn, patienceMs } from "./manifests.ts";

const read = (file: string): string => readFileSync(join(DEPLOY, "cluster", file), "utf8");
/** What a stop takes after the last stream: pending writes, and a machine under load. */
const MARGIN_MS = 10_000;

/** What differs from node to node, for one of them. */
const NODE = { SLUICE_NODE_ADDRESS: "172.30.57.11" };
const URLS = { SLUICE_REDIS: "redis://:word@redis:6379", SLUICE_POSTGRES: "postgres://sluice:word@postgres/sluice" };

describe("deploy/cluster/compose.yaml", () => {
  const text = read("compose.yaml");
  const compose = parse(text, { merge: true });
  const config = loadConfig({ env: { ...URLS, ...NODE }, cwd: "/app", readFile: () => read("sluice.config.json") });
  const nodes = ["sluice-1", "sluice-2"].map((name) => at(compose, "services", name));

  test("gives its nodes a configuration that they accept, with a cluster and PostgreSQL", () => {
    expect(config.data.store).toBe("postgres");
    expect(config.cluster.redis?.url.reveal()).toBe(URLS.SLUICE_REDIS);
    for (const node of nodes) {
      const environment = Object(at(node, "environment"));
      expect(Object.keys(environment)).toEqual(expect.arrayContaining(["SLUICE_TOKEN", ...Object.keys(URLS)]));
      expect(at(node, "volumes")).toEqual([`./sluice.config.json:${environment.SLUICE_CONFIG}:ro`]);
    }
  });

  test("has two nodes that reach each other, each under an address of its own", () => {
    expect(config.cluster.listen).toMatchObject({ host: "0.0.0.0" });
    const addresses = nodes.map((node) => String(at(node, "networks", "gateways", "ipv4_address")));
    expect(new Set(addresses).size).toBe(2);
    expect(nodes.map((node) => at(node, "environment", "SLUICE_NODE_ADDRESS"))).toEqual(addresses);
    for (const address of addresses) {
      expect(read("nginx.conf")).toContain(`server ${address}:${config.listen.port} `);
    }
    // Only the proxy in front is believed.
    expect(config.listen.trustedProxies).toEqual([
      at(compose, "services", "nginx", "networks", "gateways", "ipv4_address"),
    ]);
    expect(at(compose, "networks", "gateways", "ipam", "config", 0, "subnet")).toBe("172.30.57.0/24");
  });

  test("publishes the proxy's port on this machine only, and no other", () => {
    const published = Object.entries(Object(at(compose, "services"))).flatMap(([name, service]) =>
      at(service, "ports") === undefined ? [] : [[name, at(service, "ports")]],
    );
    expect(published).toEqual([["nginx", ["127.0.0.1:8080:8080"]]]);
    expect(read("nginx.conf")).toMatch(/^\s*listen 8080;/m);
  });

  test("waits for running answers before it kills, and for Redis and PostgreSQL before it starts", () => {
    for (const node of nodes) {
      const seconds = Number(/^(\d+)s$/.exec(String(at(node, "stop_grace_period")))?.[1]);
      const { drainMs, lingerMs } = config.limits;
      expect(seconds * 1_000).toBeGreaterThanOrEqual(Math.max(drainMs, lingerMs) + MARGIN_MS);
      expect(at(node, "depends_on")).toEqual({
        redis: { condition: "service_healthy" },
        postgres: { condition: "service_healthy" },
      });
      expect([at(node, "read_only"), at(node, "cap_drop")]).toEqual([true, ["ALL"]]);
    }
  });

  test("sets Redis as docs/cluster.md says", () => {
    const command = at(compose, "services", "redis", "command");
    expect(String(command)).toContain("--maxmemory-policy,noeviction");
    expect(String(command)).toContain("--appendonly,yes");
    expect(String(command)).toContain("--maxmemory,512mb");
    expect(at(compose, "services", "redis", "volumes")).toEqual(["redis:/data"]);
    expect(at(compose, "services", "postgres", "volumes")).toEqual(["postgres:/var/lib/postgresql/data"]);
  });

  test("holds no secret, and does not start without one", () => {
    for (const name of ["SLUICE_TOKEN", "REDIS_PASSWORD", "POSTGRES_PASSWORD"]) expect(text).toContain(`\${${name}:?`);
  });
});

describe.each([clusterNginx, clusterCaddy])("deploy/cluster's file for $name", ({ missing, check }) => {
  const here = missing === undefined ? test : test.skip;
  const suffix = missing === undefined ? "" : ` (skipped: ${missing})`;

  here(`is accepted by the program${suffix}`, () => {
    expect(check()).toMatch(/test is successful|"upstreams"/);
  });
});

describe("deploy/cluster/nginx.conf", () => {
  test("says of a gateway what deploy/nginx.conf says", () => {
    const directives = (file: string) =>
      readFileSync(join(DEPLOY, file), "utf8").match(
        /^ *(proxy_(?!pass|next|connect)\w+|client_max_body_size|keepalive\w*) .*;/gm,
      );
    expect(directives("cluster/nginx.conf")).toEqual(directives("nginx.conf"));
  });

  test("never sends a request again that may have reached a model", () => {
    expect(read("nginx.conf")).toMatch(/^\s*proxy_next_upstream error timeout http_503;$/m);
    expect(read("nginx.conf")).not.toContain("non_idempotent");
  });
});

describe("deploy/cluster/kubernetes", () => {
  const { documents, ofKind } = manifestsIn("cluster/kubernetes");
  const deployment = ofKind("Deployment");
  const pod = at(deployment, "spec", "template", "spec");
  const container = at(pod, "containers", 0);
  const text = asString(at(ofKind("ConfigMap"), "data", "sluice.config.json")) ?? "";
  const contents: Readonly<Record<string, string>> = {
    redis: "rediss://sluice:word@redis.example.com:6379/0",
    postgres: "postgres://sluice:word@db.example.com/sluice?sslmode=verify-full",
  };
  const readFile = (path: string) => contents[path.replace(/^.*\//, "")] ?? "long-enough-for-any-secret-here";
  const config = loadConfig({
    env: NODE,
    cwd: "/app",
    readFile: (path) => (path.endsWith("sluice.config.json") ? text : readFile(path)),
  });
  const labels = { "app.kubernetes.io/name": "sluice" };

  test("is nodes of one cluster with a configuration that they accept", () => {
    expect(documents.map(({ kind }) => kind).sort()).toEqual([
      ...["ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"],
    ]);
    expect(Number(at(deployment, "spec", "replicas"))).toBeGreaterThan(1);
    expect([config.data.store, config.cluster.redis?.url.reveal()]).toEqual(["postgres", contents.redis]);
  });

  test("replaces one node after the other, and lets no more than one be taken away at once", () => {
    expect(at(deployment, "spec", "strategy", "rollingUpdate")).toEqual({ maxSurge: 1, maxUnavailable: 0 });
    expect(at(ofKind("PodDisruptionBudget"), "spec", "maxUnavailable")).toBe(1);
    expect(at(ofKind("PodDisruptionBudget"), "spec", "selector", "matchLabels")).toEqual(labels);
  });

  test("waits for running answers before it kills, and longer after SIGTERM than a probe needs to fail", () => {
    const { drainMs, lingerMs } = config.limits;
    const graceMs = Number(at(pod, "terminationGracePeriodSeconds")) * 1_000;
    expect(graceMs).toBeGreaterThanOrEqual(Math.max(drainMs, lingerMs) + MARGIN_MS);
    const probe = at(container, "readinessProbe");
    expect(lingerMs).toBeGreaterThan(patienceMs(probe));
    // A node without Redis is not ready, and starting it again would not help.
    expect([at(probe, "httpGet", "path"), at(container, "livenessProbe", "httpGet", "path")]).toEqual([
      "/readyz",
      "/healthz",
    ]);
  });

  test("does not kill a new version that migrates the tables of the old one", () => {
    expect(patienceMs(at(container, "startupProbe"))).toBeGreaterThan(MIGRATION_MS);
  });

  test("lets nodes reach each other, and nobody else their port", () => {
    const ports = [
      { name: "http", containerPort: config.listen.port },
      { name: "nodes", containerPort: config.cluster.listen.port },
    ];
    expect(at(container, "ports")).toEqual(ports);
    expect(at(container, "env")).toContainEqual({
      name: "SLUICE_NODE_ADDRESS",
      valueFrom: { fieldRef: { fieldPath: "status.podIP" } },
    });
    expect(at(ofKind("Service"), "spec", "ports")).toEqual([
      { name: "http", port: config.listen.port, targetPort: "http" },
    ]);
    expect(at(ofKind("NetworkPolicy"), "spec", "ingress")).toEqual([
      { ports: [{ port: "http" }] },
      { ports: [{ port: "nodes" }], from: [{ podSelector: { matchLabels: labels } }] },
    ]);
  });

  test("names labels, volumes and files that exist", () => {
    expect(at(deployment, "spec", "template", "metadata", "labels")).toEqual(labels);
    for (const path of [["spec", "selector", "matchLabels"]]) expect(at(deployment, ...path)).toEqual(labels);
    expect(at(ofKind("Service"), "spec", "selector")).toEqual(labels);
    const names = (list: unknown) => (Object(list) as readonly unknown[]).map((entry) => at(entry, "name")).sort();
    expect(names(at(container, "volumeMounts"))).toEqual(names(at(pod, "volumes")));
    const paths = (Object(at(container, "volumeMounts")) as readonly unknown[]).map((mount) =>
      String(at(mount, "mountPath")),
    );
    const files = [...text.matchAll(/"file": "([^"]+)"/g)].map(([, path = ""]) => path);
    expect(files).toHaveLength(4);
    for (const file of files) expect(paths.some((path) => file.startsWith(`${path}/`))).toBe(true);
    // What the Secret is made with, in the comment at the top.
    for (const file of files)
      expect(read("kubernetes/config.yaml")).toContain(`--from-literal=${file.replace(/^.*\//, "")}=`);
  });

  test("gives the process no right and nothing to write but its volumes", () => {
    expectNoRights(pod);
    expect(at(pod, "enableServiceLinks")).toBe(false);
  });
});
