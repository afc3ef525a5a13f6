import { GatewayError } from "../kernel/errors.ts";
import type { Stream } from "./stream.ts";

/** Why a stream cannot be resumed. Another caller's stream is `unknown`, so that ids cannot be guessed. */
export type ResumeFailure = "unknown" | "expired" | "evicted" | "epoch" | "ahead";

/** The settings that would have kept a stream readable. */
const CURES: Readonly<Partial<Record<ResumeFailure, string>>> = {
  expired: "limits.retentionMs",
  evicted: "limits.logBytes, limits.totalLogBytes",
};

/** Why a stream cannot be resumed from there; undefined if it can. */
export function unreadable({ log, info }: Stream, epoch = info.epoch, after: number): ResumeFailure | undefined {
  if (info.epoch !== epoch) return "epoch";
  if (after > log.head) return "ahead";
  return after < log.tail ? "evicted" : undefined;
}

/** The error that says so, and which setting would have helped. */
export function resumeFailed(reason: ResumeFailure): GatewayError {
  const setting = CURES[reason];
  return new GatewayError("resume_failed", undefined, {
    details: { reason },
    ...(setting !== undefined && { setting }),
  });
}
