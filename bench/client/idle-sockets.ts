import type { Target } from "./job.ts";
import { SluiceWire } from "./sluice-wire.ts";
import { SseWire } from "./sse-wire.ts";

export interface Idle {
  readonly target: Target;
  readonly sockets: number;
}

/** Opens sockets that say nothing, and keeps them until this process ends. */
export async function holdIdle({ target, sockets }: Idle): Promise<void> {
  const wire = target.protocol === "sluice" ? new SluiceWire(target) : new SseWire(target);
  await wire.connect(sockets);
}
