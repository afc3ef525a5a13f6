/** How long leaving may take, in milliseconds: if Redis is silent, the node's lease lapses by itself. */
const LEAVE_MS = 500;

/** Resolves once what a node writes when it leaves is written, could not be, or takes too long. */
export async function leaveInTime(writing: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, LEAVE_MS);
  await Promise.race([writing.catch(() => {}), late.promise]);
  clearTimeout(timer);
}
