import { unwatchFile, watchFile } from "node:fs";

/** Between two looks at a file: by its path, because editors replace files and clusters swap links. */
const LOOK_MS = 1_000;

/** Calls `changed` within a second or two after the file was written or replaced, until the result is called. */
export function followFile(path: string, changed: () => void): () => void {
  const looked = (now: { readonly mtimeMs: number; readonly ino: number }, before: typeof now) => {
    // A file that is missing for a moment is about to be replaced.
    if (now.mtimeMs !== 0 && (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino)) changed();
  };
  watchFile(path, { interval: LOOK_MS, persistent: false }, looked);
  return () => unwatchFile(path, looked);
}
