/** Builds the gateway as it runs in a container, into dist/ or the directory given. */
import { resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bundle } from "./bundle.ts";

await bundle(resolve(process.argv[2] ?? fileURLToPath(new URL("../dist", import.meta.url))));
