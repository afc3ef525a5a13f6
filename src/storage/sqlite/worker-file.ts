import { extname } from "node:path";

/** A worker thread's program beside the module with this URL: TypeScript beside TypeScript, JavaScript beside JavaScript. */
export const workerFile = (name: string, besideUrl: string): URL =>
  new URL(`./${name}${extname(besideUrl)}`, besideUrl);
