import type { Config } from "../../config/schema.ts";
import type { Authenticator } from "../../core/ports/authenticator.ts";
import type { Credentials } from "../../core/ports/credentials.ts";
import { createOpenClawFace, type OpenClawParts } from "../../faces/openclaw/face.ts";
import type { ClusterNode } from "../node/cluster-node.ts";
import type { Storage } from "../storage/storage.ts";
import type { OpenClaw } from "./openclaw-service.ts";

/** What the gateway has for the face. */
export interface OpenClawSurroundings
  extends Pick<
    OpenClawParts,
    "relay" | "routing" | "observer" | "logs" | "vitals" | "port" | "clock" | "newId" | "version"
  > {
  readonly config: Config;
  /** The longest frame that clients may send. */
  readonly maxFrameBytes: number;
  readonly transcriptMemory: NonNullable<OpenClawParts["transcriptMemory"]>;
  readonly storage: Storage;
  /** Undefined: the gateway is alone. */
  readonly clusterNode: ClusterNode | undefined;
  readonly authenticator: Authenticator & Credentials;
  /** The whole configuration as JSON, with secrets masked. */
  readonly shownConfig: () => object;
}

/** The face: of this process alone, or, in a cluster, of the node that leads. Rejects with `store_unavailable`. */
export async function connectOpenClaw(surroundings: OpenClawSurroundings): Promise<OpenClaw> {
  const { config, maxFrameBytes, storage, clusterNode, authenticator, shownConfig, ...rest } = surroundings;
  const parts: OpenClawParts = {
    ...rest,
    authenticator,
    credentials: authenticator,
    transcripts: storage.transcripts,
    durable: storage.durable,
    // In a cluster one node alone serves conversations at a time.
    shared: storage.shared && !clusterNode,
    ledger: storage.ledger,
    config: shownConfig,
    settings: { ...config.openclaw, maxFrameBytes },
  };
  if (clusterNode) {
    // Loaded only where it is used.
    const { SharedOpenClaw } = await import("./shared-openclaw.ts");
    return new SharedOpenClaw(parts, config.cluster.listen, clusterNode);
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
