import {
  OPENCLAW_MAX_BUFFERED_BYTES,
  OPENCLAW_MAX_PAYLOAD_BYTES,
  OPENCLAW_TICK_INTERVAL_MS,
  SCOPES,
} from "../../../protocol/openclaw/wire.ts";
import type { Caller } from "../../core/caller/caller.ts";
import type { Routing } from "../../core/dialect/routing.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { GatewayError } from "../../core/kernel/errors.ts";
import type { Ledger } from "../../core/ledger/ledger.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { Credentials } from "../../core/ports/credentials.ts";
import type { Face } from "../../core/ports/face.ts";
import type { MessageFile } from "../../core/ports/message-file.ts";
import type { Observer } from "../../core/ports/observer.ts";
import type { Transcripts } from "../../core/ports/transcripts.ts";
import type { VitalsSource } from "../../core/ports/vitals.ts";
import type { Relay } from "../../core/relay/relay.ts";
import { Clients } from "./clients/clients.ts";
import { DeviceTokens } from "./clients/device-tokens.ts";
import { covers } from "./clients/granted-scopes.ts";
import { tellOfPreferences } from "./clients/preference-news.ts";
import { Preferences } from "./clients/preferences.ts";
import { ClientConnection } from "./connect/client-connection.ts";
import { createIdentity } from "./connect/device.ts";
import { expel } from "./methods/devices/expel.ts";
import { type LogSource, type OpenClawSettings, rowOf, type Services } from "./methods/services.ts";
import { KeptMessages } from "./runs/kept-messages.ts";
import { KeptRuns } from "./runs/kept-runs.ts";
import { openOne, textOf } from "./runs/one-answer.ts";
import { PARTIAL_MS } from "./runs/partial-answers.ts";
import { RunQueue } from "./runs/run-queue.ts";
import { RunRecords } from "./runs/run-records.ts";
import { Runner } from "./runs/runner.ts";
import { SideChats } from "./runs/side-chats.ts";
import type { TranscriptMemory } from "./sessions/content-bytes.ts";
import { ModelCatalog } from "./sessions/model-catalog.ts";
import { SessionFollower } from "./sessions/session-follower.ts";
import { SessionGroups } from "./sessions/session-groups.ts";
import { SessionNews } from "./sessions/session-news.ts";
import { modelOf } from "./sessions/session-row.ts";
import { SessionStore } from "./sessions/session-store.ts";
import { storedFile } from "./sessions/stored-file.ts";

/** What the face is made of. */
export interface OpenClawParts {
  readonly relay: Relay;
  readonly routing: Routing;
  readonly transcripts: Transcripts;
  /** Whether what is stored outlives the process; false by default. */
  readonly durable?: boolean;
  /** Whether other processes use the store, too; false by default. */
  readonly shared?: boolean;
  readonly authenticator: Authenticator;
  /** What device tokens are issued for; none by default, and then there are none. */
  readonly credentials?: Credentials;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly version: string;
  readonly settings: Partial<OpenClawSettings>;
  readonly observer: Observer;
  /** Limits on the memory of transcripts; unbounded by default. */
  readonly transcriptMemory?: TranscriptMemory;
  /** Usage for the usage pages; none by default. */
  readonly ledger?: Pick<Ledger, "cells">;
  /** Lines for the log page; none by default. */
  readonly logs?: LogSource;
  /** Figures about the process, for its pages; none by default. */
  readonly vitals?: VitalsSource;
  /** The port that clients connect to, once there is one. */
  readonly port?: () => number;
  /** The whole configuration as JSON, with secrets masked. */
  readonly config?: () => object;
  /** Why no run may begin here now, such as that another node may serve conversations; undefined if it may. */
  readonly refusal?: () => GatewayError | undefined;
}

const NO_USAGE = { cells: async () => ({ cells: [], latencies: [] }) };
const NO_CREDENTIALS: Credentials = {
  recall() {
    throw new GatewayError("unauthorized");
  },
  seal: () => undefined,
};
const NO_LINES: LogSource = { read: () => ({ cursor: 0, size: 0, lines: [] }) };

/** The face, which must be closed. */
export interface OpenClawFace extends Face {
  /** The caller of a device token that may read; undefined if it is no valid one. For the HTTP requests of a page. */
  callerOfDevice(token: string): Caller | undefined;
  /** A file of a session's message by the address in its history; undefined if there is none. Rejects with GatewayError. */
  fileOf(sessionKey: string, source: string): Promise<MessageFile | undefined>;
  /** Starts the runs of messages that waited when the gateway last ended. */
  resume(): void;
  /** Ends all runs, keeps their partial answers and the waiting messages, and resolves when everything is stored. */
  close(): Promise<void>;
}

/** What the transport knows of the face before there is one. */
export const faceFacts = ({ settings }: Pick<OpenClawParts, "settings">): Omit<Face, "accept"> => ({
  name: "openclaw",
  scope: "chat",
  authentication: "frame",
  maxFrameBytes: settings.maxFrameBytes ?? OPENCLAW_MAX_PAYLOAD_BYTES,
  // As the handshake announces.
  maxUnreadBytes: OPENCLAW_MAX_BUFFERED_BYTES,
});

/** The OpenClaw Gateway protocol, version 4. Loads the sessions; rejects with `store_unavailable`. */
export async function createOpenClawFace(parts: OpenClawParts): Promise<OpenClawFace> {
  const { relay, transcripts, authenticator, clock, newId, version, observer } = parts;
  const now = () => clock.wall();
  const settings: OpenClawSettings = {
    agentName: "Assistant",
    historyMessages: 200,
    historyFileTurns: 200,
    maxFrameBytes: faceFacts(parts).maxFrameBytes,
    tickIntervalMs: OPENCLAW_TICK_INTERVAL_MS,
    cumulativeMessages: false,
    partialMs: PARTIAL_MS,
    ...parts.settings,
  };
  const catalog = ModelCatalog.of(parts.routing);
  // What already follows the store stops when the rest cannot be loaded.
  await using started = new AsyncDisposableStack();
  const opened = async <Part extends { close(): unknown }>(part: Part | Promise<Part>) =>
    started.adopt(await part, async (open) => void (await open.close()));
  const follower = await opened(new SessionFollower(transcripts));
  const sessions = await SessionStore.load({
    transcripts,
    observer,
    newId,
    now,
    memory: parts.transcriptMemory,
    isBusy: (key) => runs.runIds(key).length > 0,
  });
  const current = (caller: Caller) => authenticator.current(caller);
  const fault = (where: string) => (error: unknown) => observer.fault(error, `openclaw.${where}`);
  const documents = transcripts;
  const credentials = parts.credentials ?? NO_CREDENTIALS;
  const clients = new Clients();
  const news = new SessionNews(
    clients,
    (key) => {
      const session = sessions.get(key);
      return session && rowOf(services, key, session);
    },
    now,
  );
  const ended = (deviceId: string) => expel(clients, deviceId, (client) => runs.leave(client));
  const groups = await opened(
    SessionGroups.load({ documents, sessions, fault: fault("groups"), changed: () => news.groupsChanged() }),
  );
  const told = (id: string, keys: readonly string[]) => tellOfPreferences(clients, id, keys);
  const preferences = await opened(Preferences.load({ documents, fault: fault("preferences"), told }));
  const sideChats = await opened(SideChats.load({ relay, clock, documents, fault: fault("side-chats") }));
  const devices = await opened(DeviceTokens.load({ documents, credentials, now, fault: fault("devices"), ended }));
  const claims = parts.shared ? "left" : "all";
  const kept = parts.durable
    ? await opened(KeptMessages.load({ documents, claims, fault: fault("queue") }))
    : undefined;
  const records = new RunRecords(clock);
  const { systemPrompt, historyMessages, historyFileTurns, partialMs } = settings;
  const runner = new Runner({
    relay,
    sessions,
    clients,
    news,
    fault: fault("run"),
    modelOf: (session, caller) => modelOf(session, catalog.for(caller)),
    current,
    clock,
    newId,
    systemPrompt,
    history: { maxMessages: historyMessages, fileTurns: historyFileTurns },
    partialMs,
  });
  const runs = new RunQueue({
    runner,
    records,
    now,
    checkRoom: (bytes) => sessions.checkRoom(bytes),
    kept,
    isHeldBack: () => relay.isStopping || parts.refusal?.() !== undefined,
  });
  const services: Services = {
    settings,
    version,
    authenticator,
    identity: createIdentity(),
    startedAt: now(),
    clock,
    newId,
    observer,
    logs: parts.logs ?? NO_LINES,
    vitals: parts.vitals,
    port: parts.port,
    usage: parts.ledger ?? NO_USAGE,
    config: parts.config ?? (() => ({})),
    catalog,
    sessions,
    groups,
    preferences,
    sideChats,
    records,
    runner,
    runs,
    admit(caller) {
      const refusal = parts.refusal?.();
      if (refusal) throw refusal;
      relay.admit(caller);
    },
    answer: async (request, timeoutMs) => textOf(openOne(relay, request), timeoutMs),
    clients,
    devices,
    news,
  };
  const keptRuns = kept && new KeptRuns({ kept, sessions, runs, catalog, current, fault: fault("queue") });
  await keptRuns?.restore();
  if (parts.shared) keptRuns?.follow();
  follower.start({ sessions, changed: (key) => news.changed(key, "patch"), fault: fault("sessions") });
  // Clients close the connection after two intervals without a frame.
  const ticking = setInterval(() => clients.tell("tick", () => ({ ts: now() })), settings.tickIntervalMs);
  ticking.unref();
  started.move();

  return {
    ...faceFacts(parts),
    callerOfDevice(token) {
      const found = devices.find(token);
      return found && covers(found.device.scopes, SCOPES.read) ? found.caller : undefined;
    },
    fileOf: (sessionKey, source) =>
      storedFile({ sessions, transcripts, waiting: (key) => runs.waiting(key) }, sessionKey, source),
    accept: (connection) => new ClientConnection(services, connection),
    resume: () => runs.resume(),
    async close() {
      clearInterval(ticking);
      keptRuns?.close();
      follower.close();
      const calm = transcripts.hurry();
      runner.close();
      runs.close(new GatewayError("shutting_down"));
      await sideChats.close();
      await Promise.all([sessions.flush(), ...[groups, preferences, devices, kept].map((store) => store?.close())]);
      calm();
    },
  };
}
