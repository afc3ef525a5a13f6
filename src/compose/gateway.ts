import { randomUUID } from "node:crypto";
import { CONTROL_UI_PATH } from "../../protocol/openclaw/wire.ts";
import { STREAM_PATH, STREAM_SUBPROTOCOL } from "../../protocol/stream.ts";
import type { Config } from "../config/schema.ts";
import type { Clock } from "../core/kernel/clock.ts";
import { GatewayError } from "../core/kernel/errors.ts";
import { ReadTurn } from "../core/stream/read-turn.ts";
import { TargetRecords } from "../core/targets/target-records.ts";
import { targetViews } from "../core/targets/target-views.ts";
import { startDemoUpstream } from "../demo/demo-upstream.ts";
import { AI_SDK_SUBPROTOCOL, createAiSdkFace } from "../faces/ai-sdk/face.ts";
import { RESPONSES_API } from "../faces/api/request/apis.ts";
import { createUsageFace } from "../faces/usage/face.ts";
import { createTargetsFace } from "../faces/usage/targets-face.ts";
import { createLog, type StartRecord } from "../observe/log.ts";
import { createMetrics } from "../observe/metrics.ts";
import { createTicketFace } from "../transport/auth/ticket-face.ts";
import { startServer } from "../transport/server.ts";
import { createUpstream } from "../upstream/upstream.ts";
import { connectApis, connectPassThrough } from "./apis.ts";
import { connectCallers } from "./callers.ts";
import { connectClusterStreams, connectStreamsFace, joinCluster, nodeName, settleGone } from "./cluster.ts";
import { CurrentConfig } from "./current-config.ts";
import { drain } from "./drain.ts";
import { connectInbound, transcriptMemory } from "./inbound.ts";
import { connectLoad } from "./load.ts";
import { connectMetricsPage } from "./metrics-page.ts";
import { originsOf, startMetricsServer } from "./metrics-server.ts";
import { ClusterNode } from "./node/cluster-node.ts";
import { connectLastAccounts } from "./node/last-accounts.ts";
import { logOptions, metricsOptions } from "./node/log-options.ts";
import { connectReadiness } from "./node/readiness.ts";
import { connectSharedCaps } from "./node/shared-caps.ts";
import { connectOpenClaw } from "./openclaw/openclaw.ts";
import { connectPages } from "./pages.ts";
import { connectProbes, connectRelay, openRegistry } from "./relay.ts";
import { reload } from "./reload.ts";
import type { Gateway, GatewayOptions } from "./running.ts";
import { openStorage } from "./storage/open-storage.ts";
import { connectReports } from "./storage/reports.ts";
import { connectStreamFaces } from "./stream-faces.ts";

const clock: Clock = { now: () => performance.now(), wall: () => Date.now() };
const newId = (): string => randomUUID();

/** Composes and starts the gateway. Rejects, with everything closed, when an address or the store cannot be opened. */
export async function createGateway(config: Config, options: GatewayOptions): Promise<Gateway> {
  const startedAt = clock.now();
  const { version, common } = options;
  // Stops in reverse order, even when the start fails half-way.
  await using started = new AsyncDisposableStack();

  let listening = false;
  let stopReason = "closed";
  const node = nodeName(options.worker);
  const log = started.adopt(
    createLog(logOptions(config, { node, clock, worker: options.worker, target: options.logTo })),
    (part) => {
      if (listening) part.stopped({ reason: stopReason, uptimeMs: clock.now() - startedAt });
      return part.close();
    },
  );
  const metrics = config.metrics.enabled ? createMetrics(version, metricsOptions(config)) : undefined;
  const targetRecords = new TargetRecords(clock.wall);
  const reports = connectReports(log, metrics?.observer ?? {}, targetRecords);
  const { observer } = reports;
  const { load, loop, vitals, callerLoad } = started.use(connectLoad(config, clock));
  const demo = config.demo ? started.adopt(await startDemoUpstream(), (part) => part.close()) : undefined;
  const current = new CurrentConfig(config, demo);
  const { routing, limits } = current;
  const { inbound, budgets: inboundBudgets } = connectInbound(limits, clock, callerLoad);
  const fault = (error: unknown) => observer.fault(error, "cluster");
  const cluster = started.use(await joinCluster(config, node, fault));
  const clusterNode = started.use(cluster && new ClusterNode(cluster, { log, metrics }));
  const lastAccounts = await connectLastAccounts(cluster, routing, clock);
  const storage = started.use(
    await openStorage(config, {
      pid: options.pid,
      isClaimed: common !== undefined,
      instance: node,
      cluster,
      clock,
      recall: lastAccounts?.recall,
      ...reports.store,
    }),
  );
  const { ledger } = storage;
  const reads = new ReadTurn(
    (error) => observer.fault(error, "read turn"),
    () => streams?.reading(),
  );
  const { registry, budget } = openRegistry(limits, clock, reads, metrics?.resumed);
  const streams = started.use(await connectClusterStreams(clusterNode, { registry, limits, budget, clock, fault }));
  const upstream = started.adopt(
    createUpstream({
      reads,
      routes: current.upstreamRoutes,
      version,
      clock,
      observer,
      maxEventBytes: limits.eventBytes,
      maxErrorBodyBytes: limits.errorBodyBytes,
      memory: budget,
    }),
    (part) => part.close(),
  );
  const known = { ledger, spentBy: lastAccounts?.spentBy, fault: (error: unknown) => observer.fault(error, "caps") };
  const shared = started.use(await connectSharedCaps(clusterNode, known, clock));
  settleGone(ledger, cluster);
  started.use(cluster?.watch());
  const { relay, targets, reservations } = started.use(
    await connectRelay({
      caps: () => current.caps,
      shared,
      limits,
      registry,
      budget,
      upstream,
      ledger,
      observer,
      clock,
      newId,
      requests: inboundBudgets.callers,
      admit({ name }) {
        clusterNode?.checkOpens();
        load.admitStream(name);
      },
    }),
  );
  const probed = metrics?.probed ?? (() => {});
  const probes = started.use(connectProbes({ upstream, routes: () => routing.routes, targets, relay, clock, probed }));
  const callers = started.use(await connectCallers(config, storage, clock, observer, clusterNode?.onKeyChange));
  const { authenticator, tickets } = callers;
  const requests = inboundBudgets.callers;
  const api = { relay, routing, registry, authenticator, observer, clock, newId, limits, requests };
  const apis = started.adopt(connectApis(api), (part) => part.close());
  const streamFaces = started.use(
    connectStreamFaces({ relay, routing, registry, authenticator, clock, observer, limits, notes: streams?.notes }),
  );
  const aiSdkFace = started.adopt(
    createAiSdkFace({ relay, routing, registry, authenticator, observer, clock, limits }),
    (part) => part.close(),
  );
  const openClaw = started.use(
    await connectOpenClaw({
      ...{ config, storage, clusterNode, relay, routing, authenticator, observer, vitals, clock, newId, version },
      maxFrameBytes: limits.openclawFrameBytes,
      transcriptMemory: transcriptMemory(limits),
      logs: common?.logs ?? log.tail,
      port: () => Number(new URL(server.url).port),
      shownConfig: () => current.shown,
    }),
  );
  const measured =
    metrics &&
    connectMetricsPage({
      metrics,
      relay,
      registry,
      ledger,
      log,
      loop,
      logs: budget,
      inbound: inboundBudgets,
      cluster: clusterNode && (() => clusterNode.state),
      postgres: storage.health,
      connections: () => server.connectionsByFace,
      ofAll: common?.metrics,
    });
  const metricsPage = measured?.page;
  const origins = originsOf(config);
  const server = await startServer({
    host: config.listen.host,
    port: config.listen.port,
    sockets: common?.sockets,
    basePath: config.listen.basePath,
    faces: [
      { path: "/", face: openClaw.face },
      { path: CONTROL_UI_PATH, face: openClaw.face },
      { path: config.aiSdk.path, optionalSubprotocol: AI_SDK_SUBPROTOCOL, face: aiSdkFace },
      { path: RESPONSES_API.path, face: apis.responsesSocket },
      { path: STREAM_PATH, subprotocol: STREAM_SUBPROTOCOL, face: streamFaces.stream },
    ],
    httpFaces: [
      // Before the APIs' own, the last of which answers for every path that is missing.
      await connectStreamsFace(cluster, { relay, registry, clock }),
      createTargetsFace(
        () => targetViews(routing.models, targets, targetRecords, clock.now(), probes.lastOf),
        cluster?.node,
      ),
      connectPassThrough({ ...api, upstream, reservations }),
      ...[createTicketFace(tickets), ...apis.faces, streamFaces.httpStreams, createUsageFace({ ledger, clock })],
    ],
    page: connectPages({
      ...callers,
      devices: openClaw.pages,
      ...{ config, version, routing, clock, startedAt, metricsPage },
    }),
    readiness: connectReadiness(clusterNode, storage, authenticator),
    admit: () => load.admitConnection(),
    maxSockets: load.maxSockets,
    keepAliveMs: limits.keepAliveMs,
    neighbours: openClaw.neighbours,
    authenticator,
    tickets,
    trustedProxies: config.listen.trustedProxies,
    origins,
    limits,
    inbound,
    reads,
    clock,
    observer,
    newId,
  });
  started.adopt(server, (part) => part.close());
  callers.enforceOn(relay, server);
  started.defer(async () => {
    const lingerMs = stopReason === "SIGTERM" ? limits.lingerMs : 0;
    await drain({ server, relay, drainMs: limits.drainMs, lingerMs, isNode: clusterNode !== undefined });
    relay.stop(new GatewayError("shutting_down"));
  });

  const metricsServer = common ? undefined : await startMetricsServer(config, { page: metricsPage, observer });
  if (metricsServer) started.adopt(metricsServer, (part) => part.close());

  const record: StartRecord = {
    version,
    url: server.url,
    authRequired: authenticator.required,
    demo: demo !== undefined,
    engine: options.engine,
    routes: current.upstreamRoutes.map(({ name }) => name),
    models: routing.models.map(({ alias }) => alias),
  };
  log.started(record);
  listening = true;
  await openClaw.start(server);
  const parts = started.move();
  return {
    url: server.url,
    metricsUrl: metricsServer?.url,
    record,
    measure: async () => (await measured?.values()) ?? [],
    reload: (load) => reload(load, current, upstream, targets, log),
    close(reason = stopReason) {
      stopReason = reason;
      return parts.disposeAsync();
    },
  };
}
