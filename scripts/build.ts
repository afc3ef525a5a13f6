/** Builds what a container and the package contain, into dist/ or the directory given. */
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildClient } from "./build-client.ts";
import { bundle, bundleProtocol } from "./bundle.ts";
import { nameBuiltFiles, writeDeclarations } from "./declarations.ts";

const directory = resolve(process.argv[2] ?? fileURLToPath(new URL("../dist", import.meta.url)));
await bundle(directory);
await bundleProtocol(directory);
await buildClient(join(directory, "client"));
nameBuiltFiles(join(directory, "client"));
writeDeclarations(join(directory, "types"));
