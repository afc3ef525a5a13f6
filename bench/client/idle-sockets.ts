import type { Target } from "./job.ts";
import type { Wire } from "./wire/wire.ts";
import { wireOf } from "./wire/wire-of.ts";

export interface Idle {
  readonly target: Target;
  readonly sockets: number;
}

const held = new Set<Wire>();

/** Opens idle sockets and keeps them until they are released. */
export async function holdIdle({ target, sockets }: Idle): Promise<void> {
  const wire = wireOf(target);
  held.add(wire);
  await wire.connect(sockets);
}

export function releaseIdle(): void {
  for (const wire of held) wire.close();
  held.clear();
}
