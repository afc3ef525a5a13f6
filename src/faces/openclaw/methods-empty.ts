/**
 * Questions about features this gateway does not have. Clients ask them at every connect, and some repeat a failing one
 * without end, so each is answered with what the feature looks like when there is nothing in it.
 */
import { AnyParams } from "../../../protocol/openclaw/status-params.ts";
import { SCOPES, type Scope } from "../../../protocol/openclaw/wire.ts";
import type { Desk } from "./desk.ts";
import { type Method, method } from "./method.ts";

const empty = (name: string, scope: Scope, answer: (desk: Desk) => unknown): Method =>
  method(name, scope, AnyParams, answer);

const noTalk = {
  modes: [],
  transports: [],
  brains: [],
  speech: { providers: [] },
  transcription: { ready: false, providers: [] },
  realtime: { ready: false, providers: [] },
};

export const emptyMethods: readonly Method[] = [
  // These three are bare arrays.
  empty("exec.approval.list", SCOPES.approvals, () => []),
  empty("plugin.approval.list", SCOPES.approvals, () => []),
  empty("openclaw.approval.list", SCOPES.approvals, () => []),
  empty("question.list", SCOPES.questions, () => ({ questions: [] })),
  empty("last-heartbeat", SCOPES.read, () => null),
  empty("update.status", SCOPES.admin, () => ({ sentinel: null, updateAvailable: null })),
  empty("usage.status", SCOPES.read, (desk) => ({ updatedAt: desk.clock.wall(), providers: [] })),
  empty("sessions.observer.visibility", SCOPES.read, () => ({ ok: true })),
  empty("sessions.branches.list", SCOPES.read, () => ({ branches: [] })),
  empty("sessions.companion.state", SCOPES.read, () => ({ exchanges: [] })),
  empty("progressCard.get", SCOPES.read, () => ({ card: null })),
  empty("tasks.list", SCOPES.read, () => ({ tasks: [] })),
  empty("cron.list", SCOPES.read, () => ({
    jobs: [],
    total: 0,
    offset: 0,
    limit: 50,
    hasMore: false,
    nextOffset: null,
  })),
  empty("cron.status", SCOPES.read, () => ({ enabled: false, jobs: 0 })),
  empty("talk.catalog", SCOPES.read, () => noTalk),
];
