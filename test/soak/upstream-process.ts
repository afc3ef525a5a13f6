/** The flood upstream as a process of its own: prints its address, then answers until its parent is gone. */
import { startFloodUpstream } from "../support/flood-upstream.ts";

const upstream = await startFloodUpstream();
process.on("disconnect", () => process.exit());
process.send?.(upstream.url);
