import type { Member } from "../../cluster/link/member.ts";
import type { Config } from "../../config/schema.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { Credentials } from "../../core/ports/credentials.ts";
import { createOpenClawFace, type OpenClawParts } from "../../faces/openclaw/face.ts";
import { transcriptMemory } from "../inbound.ts";
import type { Limits } from "../limits.ts";
import type { Storage } from "../storage/storage.ts";
import type { OpenClaw } from "./openclaw-service.ts";

/** What the gateway has for the face. */
export interface OpenClawSurroundings
  extends Pick<
    OpenClawParts,
    "relay" | "routing" | "observer" | "logs" | "vitals" | "port" | "clock" | "newId" | "version"
  > {
  readonly config: Config;
  readonly limits: Limits;
  readonly storage: Storage;
  /** Undefined: the gateway is alone. */
  readonly cluster: Member | undefined;
  readonly authenticator: Authenticator & Credentials;
  /** The whole configuration as JSON, with secrets masked. */
  readonly shownConfig: () => object;
}

/** The face: of this process alone, or, in a cluster, of the node that leads. Rejects with `store_unavailable`. */
export async function connectOpenClaw(surroundings: OpenClawSurroundings): Promise<OpenClaw> {
  const { config, limits, storage, cluster, authenticator, shownConfig, ...rest } = surroundings;
  const parts: OpenClawParts = {
    ...rest,
    authenticator,
    credentials: authenticator,
    transcripts: storage.transcripts,
    durable: storage.durable,
    // In a cluster one node alone serves conversations at a time.
    shared: storage.shared && !cluster,
    ledger: storage.ledger,
    config: shownConfig,
    transcriptMemory: transcriptMemory(limits),
    settings: { ...config.openclaw, maxFrameBytes: limits.openclawFrameBytes },
  };
  if (cluster) {
    // Loaded only where it is used.
    const { SharedOpenClaw } = await import("./shared-openclaw.ts");
    return new SharedOpenClaw(parts, config.cluster.listen, cluster);
  }
  const face = await createOpenClawFace(parts);
  return {
    face,
    pages: face,
    neighbours: undefined,
    start: async () => face.resume(),
    [Symbol.asyncDispose]: () => face.close(),
  };
}
