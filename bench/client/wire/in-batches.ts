/** Connections opened at once; more would measure a handshake storm. */
const CONNECTING_AT_ONCE = 50;

/** Opens so many connections, some at a time. Rejects if one is refused. */
export async function* inBatches<Opened>(count: number, open: () => Promise<Opened>): AsyncGenerator<Opened[]> {
  for (let left = count; left > 0; left -= CONNECTING_AT_ONCE) {
    yield await Promise.all(Array.from({ length: Math.min(CONNECTING_AT_ONCE, left) }, open));
  }
}
