import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import * as z from "zod";
import { CODES, type Code } from "../../protocol/codes.ts";
import { configSchema } from "../../src/config/schema.ts";
import { GatewayError } from "../../src/core/kernel/errors.ts";
import { asObject, type JsonObject } from "../../src/core/kernel/json.ts";

/** Every path of the configuration's keys; names that an operator chooses are `<name>` or `<alias>`. */
function pathsOf(schema: JsonObject | undefined, path: string): readonly string[] {
  const named = asObject(schema?.additionalProperties);
  const own = Object.entries(asObject(schema?.properties) ?? {}).flatMap(([key, below]) => {
    const inner = path === "" ? key : `${path}.${key}`;
    return [inner, ...pathsOf(asObject(below), inner)];
  });
  return named ? [...own, ...pathsOf(named, `${path}.${path === "models" ? "<alias>" : "<name>"}`)] : own;
}

const schema = asObject(
  JSON.parse(JSON.stringify(z.toJSONSchema(configSchema({ env: {}, readFile: () => "" }), { io: "input" }))),
);
const PATHS = pathsOf(schema, "");
const SOURCES = globSync("src/**/*.ts", { exclude: (name) => ["config", "static"].includes(name) })
  // It names the limits that follow the file.
  .filter((file) => file !== join("src", "compose", "limits.ts"))
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");

/** The paths that refusals name. */
const NAMED = new Set(
  [...SOURCES.matchAll(/"((?:limits\.[a-z]|(?:routes|models)\.<)[\w.<>, ]+)"/g)].flatMap(([, text = ""]) =>
    text.split(", "),
  ),
);

/** Limits that refuse nothing, and what they do instead. */
const REFUSE_NOTHING: Readonly<Record<string, string>> = {
  "limits.streams.opensBurst": "goes with limits.opensPerSecond, which is named",
  "limits.streams.idempotencyMs": "a later repetition is a new stream",
  "limits.streams.logEntries": "a full log pauses the upstream",
  "limits.streams.windowBytes": "a full window waits for the client",
  "limits.streams.windowEvents": "a full window waits for the client",
  "limits.streams.handledRetentionMs": "only streams that were read to their end are forgotten by it",
  "limits.streams.drainUsageMs": "ends the reading of a cancelled answer",
  "limits.sockets.keepAliveMs": "closes idle connections",
  "limits.sockets.pingMs": "sets when pings are sent",
  "limits.sockets.pongMs": "ends silent sockets (no_pong), to which nothing can be said",
  "limits.sockets.socketGateBytes": "makes streams wait in their logs",
  "limits.sockets.inFlightBytes": "makes streams wait in their logs",
  "limits.requests.apiSilenceMs": "sends a comment",
  "limits.requests.responsesMemoryBytes": "forgets a conversation, which the client then sends in full",
  "limits.requests.authLockoutMs": "goes with limits.requests.authFailuresPerMinute, which is named",
  "limits.drainMs": "cancels streams of a gateway that stops: its operator knows",
  "limits.lingerMs": "keeps a stopping gateway listening",
};

const GROUPS = ["limits.streams", "limits.sockets", "limits.requests", "limits.passThrough"];

describe("every limit is named by the refusals that it causes", () => {
  const limits = PATHS.filter((path) => path.startsWith("limits.") && !GROUPS.includes(path));
  test.each(limits)("%s", (path) => {
    expect(NAMED.has(path) || path in REFUSE_NOTHING).toBe(true);
    expect(NAMED.has(path) && path in REFUSE_NOTHING).toBe(false);
  });

  test.each([...NAMED])("%s is a key of the configuration", (path) => {
    expect(PATHS).toContain(path);
  });
});

/** What cures each code: a setting that its refusals name, or the reason why none does. */
const CURES: Readonly<Record<Code, { readonly setting: string } | { readonly none: string }>> = {
  bad_frame: { none: "the client is at fault" },
  unknown_method: { none: "the client is at fault" },
  bad_request: { none: "the message says what is wrong with the parameters" },
  duplicate_id: { none: "the client is at fault" },
  unknown_model: { none: "the message names the model; GET /v1/models lists those there are" },
  unknown_route: { none: "the message names the route" },
  unknown_session: { none: "the client is at fault" },
  session_busy: { none: "passes" },
  unsupported: { none: "the message names what is not supported" },
  frame_too_large: { setting: "limits.apiBodyBytes" },
  binary_frame: { none: "the client is at fault" },
  slow_sender: { none: "its pace is fixed" },
  too_many_violations: { setting: "limits.requests.violationsPerMinute" },
  too_many_streams: { setting: "limits.streamsPerConnection" },
  rate_limited: { setting: "limits.requests.framesPerSecond" },
  not_found: { none: "the client is at fault" },
  unauthorized: { none: "the client's credential cures it" },
  forbidden: { setting: "models, --routes" },
  origin_not_allowed: { setting: "allowedOrigins" },
  host_not_allowed: { setting: "allowedHosts" },
  handshake_timeout: { setting: "limits.sockets.handshakeMs" },
  bad_protocol_version: { none: "the client is at fault" },
  cap_exceeded: { setting: "sluice keys create --" },
  ledger_unavailable: { none: "the disk cures it; the log says why" },
  cluster_unavailable: { none: "Redis cures it; the log says why" },
  owner_lost: { none: "the node's machine or its operator cures it" },
  upstream_unreachable: { setting: "routes.<name>.timeouts." },
  upstream_not_allowed: { setting: "allowPrivateNetwork" },
  upstream_rate_limited: { none: "the provider decides" },
  upstream_overloaded: { none: "the provider decides" },
  upstream_http_error: { none: "the provider decides" },
  upstream_bad_response: { none: "the provider is at fault" },
  upstream_timeout: { setting: "routes.<name>.timeouts." },
  upstream_reset: { none: "the provider is at fault" },
  upstream_truncated: { none: "the provider is at fault" },
  upstream_protocol: { none: "the provider is at fault" },
  upstream_error_event: { none: "the provider decides" },
  event_too_large: { setting: "limits.eventBytes" },
  resume_failed: { setting: "limits.retentionMs" },
  cancelled: { none: "was asked for" },
  client_gone: { setting: "limits.graceMs" },
  slow_consumer: { setting: "limits.streams.pausedMs" },
  superseded: { none: "the client opened another connection" },
  no_pong: { none: "nothing can be said to the client" },
  shutting_down: { none: "was asked for" },
  overloaded: { setting: "limits.connections" },
  store_unavailable: { setting: "data.directory" },
  internal: { none: "a bug" },
};

describe("every code is cured by a setting that its refusals name, or by none", () => {
  test.each(Object.keys(CODES) as Code[])("%s", (code) => {
    const cure = CURES[code];
    if ("setting" in cure) expect(SOURCES).toContain(cure.setting);
    else expect(cure.none).not.toBe("");
  });

  test("a message ends with its setting, which a long text does not push out", () => {
    const setting = "limits.connections";
    expect(new GatewayError("overloaded", undefined, { setting }).message).toBe(
      "the gateway is overloaded (limits.connections)",
    );
    expect(new GatewayError("overloaded", "x".repeat(10_000), { setting }).message).toMatch(/\(limits\.connections\)$/);
  });
});
