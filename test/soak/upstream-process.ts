/** The flood upstream as its own process: prints its address, then answers until its parent exits. */
import { startFloodUpstream } from "../support/upstreams/flood-upstream.ts";

const upstream = await startFloodUpstream();
process.on("disconnect", () => process.exit());
process.send?.(upstream.url);
