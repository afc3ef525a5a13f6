import { extname } from "node:path";

/** The program of a worker thread of this room. It is TypeScript beside TypeScript and JavaScript beside JavaScript. */
export const workerFile = (name: string): URL => new URL(`./${name}${extname(import.meta.url)}`, import.meta.url);
