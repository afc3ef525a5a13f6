import { RedisLink } from "../../../src/cluster/link/redis-link.ts";

/** A link whose states a test can wait for; closed when disposed. Rejects when it cannot be opened. */
export async function openLink(url: string, caFile?: string) {
  const states: boolean[] = [];
  const reasons: (string | undefined)[] = [];
  let changed = Promise.withResolvers<void>();
  const link = new RedisLink(
    { url, caFile },
    {
      state(isUp, reason) {
        states.push(isUp);
        reasons.push(reason);
        changed.resolve();
        changed = Promise.withResolvers();
      },
    },
  );
  try {
    await link.open();
  } catch (error) {
    link.close();
    throw error;
  }
  const state = async (isUp: boolean) => {
    while (link.isUp !== isUp) await changed.promise;
  };
  return Object.assign(link, { states, reasons, state, [Symbol.dispose]: () => link.close() });
}
