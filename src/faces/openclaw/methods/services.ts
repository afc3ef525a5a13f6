import type { Caller } from "../../../core/caller/caller.ts";
import type { Clock } from "../../../core/kernel/clock.ts";
import type { Ledger } from "../../../core/ledger/ledger.ts";
import type { Authenticator } from "../../../core/ports/authenticator.ts";
import type { Observer } from "../../../core/ports/observer.ts";
import type { VitalsSource } from "../../../core/ports/vitals.ts";
import type { Clients } from "../clients/clients.ts";
import type { DeviceTokens } from "../clients/device-tokens.ts";
import type { Preferences } from "../clients/preferences.ts";
import type { OneRequest } from "../runs/one-answer.ts";
import type { RunQueue } from "../runs/run-queue.ts";
import type { RunRecords } from "../runs/run-records.ts";
import type { Runner } from "../runs/runner.ts";
import type { SideChats } from "../runs/side-chats.ts";
import type { ModelCatalog } from "../sessions/model-catalog.ts";
import type { Session } from "../sessions/session.ts";
import type { SessionGroups } from "../sessions/session-groups.ts";
import type { SessionNews } from "../sessions/session-news.ts";
import { type SessionRow, sessionRow } from "../sessions/session-row.ts";
import type { SessionStore } from "../sessions/session-store.ts";

/** Settings of the face. */
export interface OpenClawSettings {
  /** The name clients show for the agent. */
  readonly agentName: string;
  readonly systemPrompt?: string | undefined;
  /** How many of the newest messages are sent upstream. */
  readonly historyMessages: number;
  /** How many of the newest user messages are sent upstream with their files. */
  readonly historyFileTurns: number;
  /** Largest inbound frame, advertised to clients. */
  readonly maxFrameBytes: number;
  readonly tickIntervalMs: number;
  /** Every delta carries the whole text so far, for clients that do not add up `deltaText`. */
  readonly cumulativeMessages: boolean;
  /** How often partial answers are stored. */
  readonly partialMs: number;
}

/** Lines of the log. */
export interface LogLines {
  /** Where the next read continues. */
  readonly cursor: number;
  readonly size: number;
  readonly lines: readonly string[];
}

/** The newest lines of the gateway's log; another process may keep them. */
export interface LogSource {
  read(request: {
    readonly cursor?: number | undefined;
    readonly limit: number;
    readonly maxBytes: number;
  }): LogLines | Promise<LogLines>;
}

/** What the methods use. */
export interface Services {
  readonly settings: OpenClawSettings;
  readonly version: string;
  readonly authenticator: Authenticator;
  readonly identity: { readonly deviceId: string; readonly publicKey: string };
  /** Wall clock in milliseconds. */
  readonly startedAt: number;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly observer: Observer;
  readonly logs: LogSource;
  readonly vitals: VitalsSource | undefined;
  /** The port that clients connect to. */
  readonly port: (() => number) | undefined;
  readonly usage: Pick<Ledger, "cells">;
  /** The whole configuration with secrets masked, for callers that may see it. */
  readonly config: () => object;
  readonly catalog: ModelCatalog;
  readonly sessions: SessionStore;
  readonly groups: SessionGroups;
  readonly preferences: Preferences;
  readonly sideChats: SideChats;
  readonly records: RunRecords;
  readonly runner: Runner;
  readonly runs: RunQueue;
  /** Counts one message of this caller. Throws `shutting_down`, `rate_limited` or `overloaded`. */
  readonly admit: (caller: Caller) => void;
  /** The text of one short answer without a run. Throws like `Relay.open`; see `textOf`. */
  readonly answer: (request: OneRequest, timeoutMs: number) => Promise<string>;
  readonly clients: Clients;
  readonly devices: DeviceTokens;
  readonly news: SessionNews;
}

type RowServices = Pick<Services, "catalog" | "runs" | "clock">;

/** The present row of a session. */
export function rowOf(services: RowServices, key: string, session: Session | undefined): SessionRow {
  const { catalog, runs, clock } = services;
  const running = runs.active(key) !== undefined;
  return sessionRow(key, session, { catalog, activeRunIds: runs.runIds(key), running, now: clock.wall() });
}
