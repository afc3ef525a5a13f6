import { existsSync } from "node:fs";
import { WAIT_MS } from "./page-calls.ts";

const path = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"];
const QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"];

/** How Chromium is started. */
export const CHROMIUM = { executablePath: path ?? "", args: [...FLAGS, ...QUIET], timeout: WAIT_MS };

/** Why it cannot be started here, if so. */
export const NO_CHROMIUM: readonly string[] = path === undefined ? ["no chromium (apt-get install chromium)"] : [];
