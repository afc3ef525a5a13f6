import type { Face } from "../../core/ports/face.ts";
import type { OpenClawFace } from "../../faces/openclaw/face.ts";
import type { Neighbours } from "../../transport/nodes/nodes.ts";
import type { RunningServer } from "../../transport/server-parts.ts";

/** The OpenClaw face as the gateway serves it. */
export interface OpenClaw extends AsyncDisposable {
  readonly face: Face;
  /** What the pages ask of it. */
  readonly pages: Pick<OpenClawFace, "callerOfDevice" | "fileOf">;
  /** Who serves its clients, if there are other nodes. */
  readonly neighbours: Neighbours | undefined;
  /** The server listens: runs may begin. Rejects with `cluster_unavailable`. */
  start(server: Pick<RunningServer, "nodePort" | "forwarded">): Promise<void>;
}
