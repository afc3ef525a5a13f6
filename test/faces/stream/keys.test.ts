import { describe, expect, test } from "@jest/globals";
import type { Caller, Grant } from "../../../src/core/caller/caller.ts";
import { GatewayError } from "../../../src/core/kernel/errors.ts";
import { StreamFaceRig } from "../../support/gateways/stream-face-rig.ts";

const caller = (name: string, grant: Partial<Grant> = {}): Caller => ({
  name,
  grant: {
    keyId: `key_${name}`,
    scopes: new Set(["streams"]),
    models: undefined,
    routes: undefined,
    caps: {},
    away: undefined,
    onAbort: "cancel",
    upstreamKeys: "own_or_managed",
    ...grant,
  },
});

const revoked = () => {
  throw new GatewayError("unauthorized", "the key was revoked");
};

describe("a caller's key", () => {
  test("is checked at each open: a revoked one is refused, and its socket closed for good", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect(caller("alice"));
    client.open("one");
    rig.current = revoked;
    client.open("two");
    expect(client.last("error")).toMatchObject({ id: "two", error: { code: "unauthorized", retryable: false } });
    expect(client.closeCode).toBe(4501);
    expect(rig.calls).toHaveLength(1);
  });

  test("is checked at each resume", () => {
    using rig = new StreamFaceRig();
    const first = rig.connect(caller("alice"));
    const stream = first.open("one");
    first.gone();
    const second = rig.connect(caller("alice"));
    rig.current = revoked;
    second.resume("one", stream, 0);
    expect(second.last("resumed")).toBeUndefined();
    expect(second.last("error")).toMatchObject({ error: { code: "unauthorized" } });
    expect(second.closeCode).toBe(4501);
  });

  test("grants what it grants now", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect(caller("alice"));
    rig.current = ({ name }) => caller(name, { models: new Set(["other"]) });
    client.open("one");
    expect(client.last("error")).toMatchObject({ error: { code: "forbidden" } });
    rig.current = ({ name }) => caller(name, { scopes: new Set(["chat"]) });
    client.open("two");
    expect(client.last("error")).toMatchObject({
      error: { code: "forbidden", message: expect.stringContaining("streams") },
    });
    expect(rig.calls).toHaveLength(0);
    expect(client.closeCode).toBeUndefined();
  });

  test.each<[string, Partial<Grant>, boolean, boolean]>([
    ["nothing", {}, true, true],
    ["this model", { models: new Set(["gpt"]) }, true, false],
    ["another model", { models: new Set(["claude"]) }, false, false],
    ["this route", { routes: new Set(["chat"]) }, true, true],
    ["another route", { routes: new Set(["other"]) }, false, false],
    ["this model on another route", { models: new Set(["gpt"]), routes: new Set(["other"]) }, false, false],
    ["this model on this route", { models: new Set(["gpt"]), routes: new Set(["chat"]) }, true, false],
  ])("that names %s", (_, grant, model, route) => {
    using rig = new StreamFaceRig();
    const client = rig.connect(caller("alice", grant));
    expect(client.open("m") !== "").toBe(model);
    expect(client.open("r", { model: undefined, route: "chat" }) !== "").toBe(route);
    if (!model) expect(client.last("error")).toMatchObject({ error: { code: "forbidden" } });
  });

  test("decides what happens to its streams without a reader, unless the open does", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect(caller("alice", { away: "cancel" }));
    client.open("one");
    client.open("two", { away: "continue" });
    client.gone();
    expect(rig.calls.map(({ aborted }) => aborted)).toEqual([true, false]);
  });
});

describe("a caller's own upstream key", () => {
  const authorization = (rig: StreamFaceRig) => rig.call.request.headers.authorization;

  test("of an open replaces the route's key, and takes precedence over the connection's", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect(caller("alice"), "sk-connection");
    client.open("one");
    expect(authorization(rig)).toBe("Bearer sk-connection");
    client.open("two", { upstreamKey: "sk-open" });
    expect(authorization(rig)).toBe("Bearer sk-open");
    rig.connect(caller("alice")).open("three");
    expect(authorization(rig)).toBeUndefined();
  });

  test("may be used without a gateway key", () => {
    using rig = new StreamFaceRig();
    rig.connect("local").open("one", { upstreamKey: "sk-open" });
    expect(authorization(rig)).toBe("Bearer sk-open");
  });

  test("is refused if the gateway pays, and required if it does not", () => {
    using rig = new StreamFaceRig();
    const managed = rig.connect(caller("alice", { upstreamKeys: "managed" }));
    managed.open("one", { upstreamKey: "sk-open" });
    expect(managed.last("error")).toMatchObject({ error: { code: "forbidden" } });
    expect(managed.open("two")).not.toBe("");
    const own = rig.connect(caller("bob", { upstreamKeys: "own" }));
    own.open("one");
    expect(own.last("error")).toMatchObject({ error: { code: "forbidden" } });
    expect(own.open("two", { upstreamKey: "sk-open" })).not.toBe("");
    expect(rig.calls).toHaveLength(2);
  });

  test("is part of a request's fingerprint: its stream is not given to an open with another", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect(caller("alice"));
    const stream = client.open("one", { idempotencyKey: "k", upstreamKey: "sk-one" });
    client.open("two", { idempotencyKey: "k", upstreamKey: "sk-two" });
    expect(client.last("error")).toMatchObject({ id: "two", error: { code: "bad_request" } });
    expect(client.open("three", { idempotencyKey: "k", upstreamKey: "sk-one" })).toBe(stream);
    expect(rig.calls).toHaveLength(1);
  });

  test("never serves another caller: the same idempotency key starts another stream", () => {
    using rig = new StreamFaceRig();
    const open = { idempotencyKey: "k", upstreamKey: "sk-one" };
    const mine = rig.connect(caller("alice")).open("one", open);
    const theirs = rig.connect(caller("bob"));
    expect(theirs.open("one", { ...open, upstreamKey: undefined })).not.toBe(mine);
    expect(authorization(rig)).toBeUndefined();
    theirs.resume("two", mine, 0);
    expect(theirs.last("error")).toMatchObject({ error: { code: "resume_failed" } });
  });

  test("with characters that no header can hold is a bad frame, which does not quote it", () => {
    using rig = new StreamFaceRig();
    const client = rig.connect(caller("alice"));
    client.open("one", { upstreamKey: "sk secret\r\nx: y" });
    expect(client.last("error")).toMatchObject({ error: { code: "bad_frame" } });
    expect(JSON.stringify(client.frames)).not.toContain("secret");
  });
});
