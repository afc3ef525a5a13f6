import { cpuUs, machineCpuUs } from "./process-figures.ts";

interface Pids {
  readonly gateway: readonly number[];
  readonly upstream: readonly number[];
  readonly client: readonly number[];
}

/** User and system time within a window, in microseconds; undefined if it cannot be read. */
export interface CpuUse {
  readonly gatewayUs: number | undefined;
  readonly upstreamUs: number | undefined;
  readonly clientUs: number | undefined;
  /** Everything else on this machine. */
  readonly othersUs: number | undefined;
}

type Mark = readonly (number | undefined)[];

/** Reads the processes' CPU times when the window opens and closes. */
export class CpuMarks {
  readonly #pids: Pids;
  #opened: Mark = [];
  #closed: Mark = [];

  constructor(pids: Pids) {
    this.#pids = pids;
  }

  open(): void {
    this.#opened = this.#mark();
  }

  close(): void {
    this.#closed = this.#mark();
  }

  use(): CpuUse {
    const [gatewayUs, upstreamUs, clientUs, runnerUs, machineUs] = [0, 1, 2, 3, 4].map((index) =>
      difference(this.#opened[index], this.#closed[index]),
    );
    const ours = (gatewayUs ?? 0) + (upstreamUs ?? 0) + (clientUs ?? 0) + (runnerUs ?? 0);
    const othersUs = machineUs === undefined ? undefined : Math.max(0, machineUs - ours);
    return { gatewayUs, upstreamUs, clientUs, othersUs };
  }

  #mark(): Mark {
    const { gateway, upstream, client } = this.#pids;
    return [cpuUs(gateway), cpuUs(upstream), cpuUs(client), cpuUs([process.pid]), machineCpuUs()];
  }
}

const difference = (before: number | undefined, after: number | undefined): number | undefined =>
  before === undefined || after === undefined ? undefined : after - before;
