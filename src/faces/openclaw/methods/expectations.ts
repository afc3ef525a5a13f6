import { GatewayError } from "../../../core/kernel/errors.ts";
import type { Session } from "../sessions/session.ts";

/** What a client last saw of a session; undefined where it does not care. */
export interface Expectations {
  readonly expectedSessionId?: string | undefined;
  /** Wall clock in milliseconds. */
  readonly expectedSessionUpdatedAt?: number | undefined;
  readonly expectedLifecycleRevision?: string | undefined;
  readonly expectedPermissionMode?: string | null | undefined;
  readonly expectedSandboxMode?: string | null | undefined;
  readonly expectedNativeRuntimeConsent?: string | null | undefined;
  readonly expectedToolOverrides?: object | null | undefined;
}

/** No session here has one of these: only the expectation that there is none can be met. */
const NEVER_SET = [
  ...(["expectedLifecycleRevision", "expectedPermissionMode", "expectedSandboxMode"] as const),
  "expectedNativeRuntimeConsent",
] as const;

/** Throws `bad_request` unless the session is as the client saw it. */
export function expectSame(session: Session | undefined, expected: Expectations): void {
  const { expectedSessionId, expectedSessionUpdatedAt, expectedToolOverrides } = expected;
  const { sessionId, updatedAt } = session?.record ?? {};
  const isSame =
    (expectedSessionId === undefined || expectedSessionId === sessionId) &&
    (expectedSessionUpdatedAt === undefined || expectedSessionUpdatedAt === updatedAt) &&
    NEVER_SET.every((name) => (expected[name] ?? null) === null) &&
    Object.keys(expectedToolOverrides ?? {}).length === 0;
  if (!isSame) throw new GatewayError("bad_request", "session changed", { details: { reason: "session-changed" } });
}
