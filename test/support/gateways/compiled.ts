import { fileURLToPath } from "node:url";

/**
 * Environment of gateways and commands that tests start from their sources: one that ends leaves its compiled code for those
 * that start later, which then take half the processor's time. `npm start` does the same, in a directory of its own.
 */
export const COMPILED = {
  NODE_COMPILE_CACHE: fileURLToPath(new URL("../../../node_modules/.cache/sluice-tests", import.meta.url)),
};
