import { readFileSync } from "node:fs";
import { asObject, asString } from "../core/kernel/json.ts";

/** What reading a configuration found, by path: a file's text, or the system's code of the failure. */
export type FilesRead = Readonly<Record<string, { readonly text: string } | { readonly code: string }>>;

/** Reads files for a configuration, and remembers what it found. */
export function recordingReader(): { readonly readFile: (path: string) => string; readonly files: FilesRead } {
  const files: Record<string, FilesRead[string]> = {};
  const readFile = (path: string): string => {
    try {
      const text = readFileSync(path, "utf8");
      files[path] = { text };
      return text;
    } catch (error) {
      files[path] = { code: asString(asObject(error)?.code) ?? "EIO" };
      throw error;
    }
  };
  return { readFile, files };
}

/** Finds in files what was found there when they were read, so that two processes load the same configuration. */
export const replayingReader =
  (files: FilesRead) =>
  (path: string): string => {
    const found = files[path] ?? { code: "ENOENT" };
    if ("text" in found) return found.text;
    throw Object.assign(new Error(`${found.code}: ${path}`), { code: found.code });
  };
