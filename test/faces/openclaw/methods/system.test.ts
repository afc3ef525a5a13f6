import { describe, expect, test } from "@jest/globals";
import { startRig } from "../../../support/openclaw/openclaw-rig.ts";

const memory = {
  rssBytes: 100,
  heapUsedBytes: 40,
  heapTotalBytes: 50,
  externalBytes: 3,
  arrayBuffersBytes: 2,
};
const loop = { degraded: false, intervalMs: 5_000, delayP99Ms: 12, delayMaxMs: 30, utilization: 0.2 };
const vitalsOf = (degraded: boolean, disk?: { totalBytes: number; availableBytes: number }) => ({
  loop: () => ({ ...loop, degraded, cpuShare: 0.5 }),
  memory: () => memory,
  disk: async () => disk,
});

describe("system.info", () => {
  test("shows the event loop, the memory of the process, its port and the disk of the data, but no path", async () => {
    await using rig = await startRig({ vitals: vitalsOf(false, { totalBytes: 1_000, availableBytes: 400 }) });
    const client = await rig.client();
    expect(await client.request("system.info")).toMatchObject({
      port: 18_789,
      eventLoop: { ...loop, cpuCoreRatio: 0.5, reasons: [] },
      processMemory: memory,
      disks: [{ path: "(data)", totalBytes: 1_000, availableBytes: 400 }],
      diskPath: "(data)",
      diskTotalBytes: 1_000,
      diskAvailableBytes: 400,
    });
  });

  test("says when the event loop runs so late that streams are refused", async () => {
    await using rig = await startRig({ vitals: vitalsOf(true) });
    const answer = await (await rig.client()).request("system.info");
    expect(answer).toMatchObject({ eventLoop: { degraded: true, reasons: ["event_loop_delay"] } });
    expect(answer).not.toHaveProperty("disks");
  });
});

describe("the version", () => {
  test("in hello-ok is that of the OpenClaw release; the gateway's own is in status", async () => {
    await using rig = await startRig();
    const client = await rig.client();
    expect(await client.request("status")).toMatchObject({ runtimeVersion: "Sluice 0.0.0-test" });
  });
});

describe("models.list", () => {
  test("finds a provider in any case, as the command line asks for it", async () => {
    await using rig = await startRig();
    const client = await rig.client();
    expect(
      await client.request("models.list", { provider: "OpenAI", view: "all", includeDetails: true }),
    ).toMatchObject({
      models: [{ id: "gpt", provider: "openai", available: true }],
    });
  });
});

describe("what this gateway does not have", () => {
  test("is shown as such by config.get, for a page takes what is missing for OpenClaw's defaults", async () => {
    for (const [token, mode] of [
      ["let-me-in", "token"],
      [undefined, "none"],
    ] as const) {
      await using rig = await startRig(token === undefined ? {} : { token });
      expect(await (await rig.client()).request("config.get")).toMatchObject({
        config: {
          gateway: { auth: { mode } },
          tools: { exec: { security: "deny" } },
          browser: { enabled: false },
        },
      });
    }
  });

  test("a permission mode is refused with the reason, and clearing it is not", async () => {
    await using rig = await startRig();
    const client = await rig.client();
    expect(await client.refusal("sessions.patch", { key: "main", permissionMode: "full" })).toMatchObject({
      message: "permissionMode: this gateway runs no tools, so there is nothing to permit",
    });
    expect(await client.request("sessions.patch", { key: "main", permissionMode: null })).toMatchObject({ ok: true });
  });

  test("the setup assistant says that there is none, and how to go on", async () => {
    await using rig = await startRig();
    const client = await rig.client();
    expect(await client.request("openclaw.chat", { sessionId: "s1", message: "add an agent" })).toEqual({
      sessionId: "s1",
      reply: expect.stringContaining("no setup assistant"),
      action: "none",
    });
    expect(await client.request("openclaw.chat.history", { limit: 10 })).toEqual({ turns: [] });
    expect(rig.calls).toHaveLength(0);
  });
});
