import { cpus, release, totalmem, type } from "node:os";
import type { Machine } from "../figures/document.ts";

export const thisMachine = (): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: `${type()} ${release()}`,
  node: process.versions.node,
});

export const describeMachine = ({ cpu, cores, memoryGiB, kernel, node }: Machine): string =>
  `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, Node ${node}`;
