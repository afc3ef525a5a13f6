import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { completeConfig } from "../../src/config/load.ts";
import { asString } from "../../src/core/kernel/json.ts";
import { MIGRATION_MS } from "../../src/storage/postgres/migrations.ts";
import { startTestGateway } from "../support/gateways/gateway.ts";
import { DEPLOY } from "../support/network/front-proxy.ts";
import { temporaryDirectories } from "../support/stores/temporary-directory.ts";
import { at, expectNoRights, manifestsIn, patienceMs } from "./manifests.ts";

const directory = temporaryDirectories();
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (file: string): string => readFileSync(join(DEPLOY, file), "utf8");
const defaults = completeConfig({}, { env: {}, cwd: "/nowhere" });
/** What a stop takes after the last stream: pending writes, and a machine under load. */
const MARGIN_MS = 10_000;
const leastGraceMs = (limits: typeof defaults.limits) => Math.max(limits.drainMs, limits.lingerMs) + MARGIN_MS;

describe("deploy/sluice.service", () => {
  const unit = read("sluice.service");
  const values = (key: string) => [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value = ""]) => value);
  const here = spawnSync("systemd-analyze", ["--version"]).status === 0;
  const withSystemd = here ? test : test.skip;
  const suffix = here ? "" : " (skipped: systemd-analyze is not here)";

  /** The unit where the command is one that exists. */
  function installed(change = (text: string) => text): string {
    const place = directory();
    const command = join(place, "sluice");
    writeFileSync(command, "#!/bin/sh\n");
    chmodSync(command, 0o755);
    const file = join(place, "sluice.service");
    writeFileSync(file, change(unit).replace("/usr/local/bin/sluice", command));
    return file;
  }
  const analyse = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync("systemd-analyze", args, { encoding: "utf8" });
    return { status, said: stdout + stderr };
  };

  withSystemd(`is valid, without a key that systemd does not know${suffix}`, () => {
    expect(analyse("verify", installed())).toEqual({ status: 0, said: "" });
    expect(
      analyse(
        "verify",
        installed((text) => text.replace("LimitNOFILE", "LimitFiles")),
      ).said,
    ).toContain("LimitFiles");
  });

  withSystemd(`is hardened: systemd rates its exposure 2.0 or less, of 10${suffix}`, () => {
    const rate = (file: string) => analyse("security", "--offline=true", "--threshold=20", file).status;
    expect(rate(installed())).toBe(0);
    expect(rate(installed((text) => text.replace(/^(Protect|Private|Capability|SystemCall).*\n/gm, "")))).not.toBe(0);
  });

  test("waits for running answers before it kills", () => {
    expect(Number.parseInt(values("TimeoutStopSec")[0] ?? "", 10) * 1_000).toBeGreaterThanOrEqual(
      leastGraceMs(defaults.limits),
    );
  });

  test("lets V8 compile, and gives every stream its two descriptors", () => {
    expect(values("MemoryDenyWriteExecute")).toEqual([]);
    expect(Number(values("LimitNOFILE")[0])).toBeGreaterThan(defaults.limits.openStreams * 2.5);
  });

  test("stores where it may write", () => {
    expect(values("Environment")).toContain(`SLUICE_DATA=/var/lib/${values("StateDirectory")[0]}`);
    expect(values("ProtectSystem")).toEqual(["strict"]);
  });
});

/** The status of a GET with this Host header. */
async function statusOf(url: string, host: string): Promise<number | undefined> {
  const [answer] = await once(get(url, { headers: { host } }), "response");
  answer.resume();
  return answer.statusCode;
}

const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8").replaceAll("\\\n", " ").split("\n");
const DATA = "/data";

describe("deploy/compose.yaml", () => {
  const service = at(parse(read("compose.yaml")), "services", "sluice");

  test("waits for running answers before it kills", () => {
    const seconds = Number(/^(\d+)s$/.exec(String(at(service, "stop_grace_period")))?.[1]);
    expect(seconds * 1_000).toBeGreaterThanOrEqual(leastGraceMs(defaults.limits));
  });

  test("publishes the gateway's port on this machine only, and requires a token", () => {
    const { port } = defaults.listen;
    expect(at(service, "ports")).toEqual([`127.0.0.1:${port}:${port}`]);
    expect(at(service, "environment", "SLUICE_TOKEN")).toMatch(/^\$\{SLUICE_TOKEN:\?/);
  });

  test("keeps the image's data in a volume, and the rest read-only", () => {
    expect(dockerfile).toContain(`VOLUME ${DATA}`);
    expect(at(service, "volumes")).toEqual([`data:${DATA}`]);
    expect(at(service, "read_only")).toBe(true);
    expect(at(service, "cap_drop")).toEqual(["ALL"]);
  });
});

describe("deploy/kubernetes", () => {
  const { documents, ofKind } = manifestsIn("kubernetes");
  const pod = at(ofKind("StatefulSet"), "spec", "template", "spec");
  const container = at(pod, "containers", 0);
  const text = asString(at(ofKind("ConfigMap"), "data", "sluice.config.json")) ?? "";
  /** Where the container reads secrets. */
  const readFile = (path: string) => `content-of-${path.replace(/^.*\//, "")}-that-is-long-enough`;
  const config = completeConfig(JSON.parse(text), { env: {}, cwd: "/app", readFile });

  test("is one gateway with a configuration that it accepts", () => {
    expect(documents.map(({ kind }) => kind).sort()).toEqual(["ConfigMap", "Service", "StatefulSet"]);
    expect(at(ofKind("StatefulSet"), "spec", "replicas")).toBe(1);
    expect(Object.keys(config.models)).toEqual(["claude"]);
    expect(config.auth.token?.reveal()).toBe("content-of-token-that-is-long-enough");
  });

  test("waits for running answers before it kills", () => {
    expect(Number(at(pod, "terminationGracePeriodSeconds")) * 1_000).toBeGreaterThanOrEqual(
      leastGraceMs(config.limits),
    );
  });

  test("listens longer after SIGTERM than the readiness probe needs to fail", () => {
    expect(config.limits.lingerMs).toBeGreaterThan(patienceMs(at(container, "readinessProbe")));
  });

  test("does not kill a new version that migrates the tables of the old one", () => {
    expect(patienceMs(at(container, "startupProbe"))).toBeGreaterThan(MIGRATION_MS);
  });

  test("names ports, labels and volumes that exist", () => {
    const { port } = config.listen;
    expect(at(container, "ports")).toEqual([{ name: "http", containerPort: port }]);
    expect(at(ofKind("Service"), "spec", "ports", 0)).toMatchObject({ port, targetPort: "http" });
    const labels = at(ofKind("StatefulSet"), "spec", "template", "metadata", "labels");
    expect(at(ofKind("StatefulSet"), "spec", "selector", "matchLabels")).toEqual(labels);
    expect(at(ofKind("Service"), "spec", "selector")).toEqual(labels);
    const volumes = [
      ...Object(at(pod, "volumes")),
      at(ofKind("StatefulSet"), "spec", "volumeClaimTemplates", 0, "metadata"),
    ];
    const mounts: readonly unknown[] = Object(at(container, "volumeMounts"));
    expect(mounts.map((mount) => at(mount, "name")).sort()).toEqual(volumes.map((volume) => at(volume, "name")).sort());
    const paths = mounts.map((mount) => String(at(mount, "mountPath")));
    expect(paths).toContain(DATA);
    // Every file that the configuration and the environment name is in one of them.
    const named = [...text.matchAll(/"file": "([^"]+)"/g)].map(([, path = ""]) => path);
    const files = [...named, String(at(container, "env", 0, "value"))];
    expect(files.length).toBe(3);
    for (const file of files) expect(paths.some((path) => file.startsWith(`${path}/`))).toBe(true);
  });

  test("probes what the gateway answers to a kubelet, which names an address and no host", async () => {
    await using gateway = await startTestGateway({
      config: { listen: { port: 0 }, allowedHosts: config.allowedHosts },
    });
    for (const name of ["startupProbe", "readinessProbe", "livenessProbe"]) {
      const { path, port } = Object(at(container, name, "httpGet"));
      expect(port).toBe("http");
      expect([name, await statusOf(`${gateway.url}${path}`, "10.42.0.7:18789")]).toEqual([name, 200]);
    }
    expect(await statusOf(`${gateway.url}/v1/models`, "10.42.0.7:18789")).toBe(403);
  });

  test("gives the process no right and nothing to write but its volumes", () => {
    expectNoRights(pod);
  });

  test("has no variables of a service named sluice, one of which is SLUICE_PORT", () => {
    expect(at(ofKind("Service"), "metadata", "name")).toBe("sluice");
    expect(at(pod, "enableServiceLinks")).toBe(false);
  });
});

describe("the Dockerfile", () => {
  const from = dockerfile.flatMap((line, index) => (line.startsWith("FROM ") ? [index] : []));
  const build = dockerfile.slice(from[0], from[1]);
  const final = dockerfile.slice(from[1]);

  test("copies all that building the package needs, and the image contains the package", () => {
    const place = directory();
    symlinkSync(join(ROOT, "node_modules"), join(place, "node_modules"));
    for (const line of build.filter((instruction) => instruction.startsWith("COPY "))) {
      const [, ...words] = line.split(" ");
      const target = join(place, words.pop() ?? "");
      mkdirSync(target, { recursive: true });
      for (const name of words)
        cpSync(join(ROOT, name), words.length > 1 || /\./.test(name) ? join(target, name) : target, {
          recursive: true,
        });
    }
    const [, command = ""] = build.findLast((line) => line.startsWith("RUN "))?.split(/^RUN /) ?? [];
    const { status, stderr } = spawnSync("/bin/sh", ["-c", command], { cwd: place, encoding: "utf8" });
    expect([status, status === 0 ? "" : stderr]).toEqual([0, ""]);
    expect(final).toContain("COPY --from=build /app/package ./");
    // No packages beside it, as in the image.
    const started = spawnSync(process.execPath, ["dist/src/main.js", "--version"], {
      cwd: join(place, "package"),
      encoding: "utf8",
    });
    expect(started.stdout).toBe(`${manifest.version}\n`);
    const wanted = final.findLast((line) => line.startsWith("CMD ")) ?? "";
    expect(wanted).toContain('"dist/src/main.js", "serve"');
  });
});
