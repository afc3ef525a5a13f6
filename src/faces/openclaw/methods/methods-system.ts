/** The methods that describe the process and its machine. */
import { arch, cpus, freemem, hostname, loadavg, platform, release, totalmem } from "node:os";
import { pid, version } from "node:process";
import { LogsTailParams, NoParams } from "../../../../protocol/openclaw/status-params.ts";
import { SCOPES } from "../../../../protocol/openclaw/wire.ts";
import type { VitalsSource } from "../../../core/ports/vitals.ts";
import { method } from "./method.ts";

const LOG_LIMIT = 500;
const LOG_BYTES = 250_000;

/** The source of the lines. Clients show it, so it is no path of this machine. */
const LOG_NAME = "(the newest lines, in memory)";

/** The disk that holds the data: no path of this machine either. */
const DISK_NAME = "(data)";

/** The event loop in OpenClaw's terms: it runs too late if it runs so late that streams are refused. */
function eventLoop(vitals: VitalsSource) {
  const { cpuShare, ...loop } = vitals.loop();
  return { ...loop, cpuCoreRatio: cpuShare, reasons: loop.degraded ? ["event_loop_delay"] : [] };
}

/** Methods about the process and its log. */
export const systemMethods = [
  method(
    "logs.tail",
    SCOPES.read,
    LogsTailParams,
    async (services, { cursor, limit = LOG_LIMIT, maxBytes = LOG_BYTES }) => ({
      file: LOG_NAME,
      ...(await services.logs.read({ cursor, limit, maxBytes })),
    }),
    "logs",
  ),

  method(
    "system.info",
    SCOPES.read,
    NoParams,
    async (services) => {
      const { vitals, port } = services;
      const [cpu] = cpus();
      const disk = await vitals?.disk();
      return {
        machineName: hostname(),
        hostname: hostname(),
        platform: platform(),
        release: release(),
        arch: arch(),
        osLabel: `${platform()} ${release()}`,
        ...(port && { port: port() }),
        nodeVersion: version,
        pid,
        uptimeMs: Math.max(0, Math.round(services.clock.wall() - services.startedAt)),
        cpuCount: cpus().length,
        ...(cpu && { cpuModel: cpu.model }),
        loadAverage: loadavg(),
        memoryTotalBytes: totalmem(),
        memoryFreeBytes: freemem(),
        ...(vitals && { eventLoop: eventLoop(vitals), processMemory: vitals.memory() }),
        ...(disk && { disks: [{ path: DISK_NAME, ...disk }] }),
        ...(disk && { diskPath: DISK_NAME, diskTotalBytes: disk.totalBytes, diskAvailableBytes: disk.availableBytes }),
      };
    },
    "read",
  ),

  method(
    "diagnostics.lanes",
    SCOPES.read,
    NoParams,
    (services) => {
      const { active, waiting } = services.runs.counts;
      const lane = { lane: "main", activeCount: active, queuedCount: waiting, draining: false, generation: 0 };
      return {
        ts: services.clock.wall(),
        lanes: [{ ...lane, maxConcurrent: Number.MAX_SAFE_INTEGER, blockedBy: null }],
        dynamic: null,
      };
    },
    "read",
  ),

  method("environments.list", SCOPES.read, NoParams.loose(), () => ({
    environments: [
      {
        id: "gateway",
        type: "local",
        label: "Gateway",
        status: "available",
        sessionHost: true,
        trust: "persistent",
        capabilities: ["sessions"],
      },
    ],
  })),
];
