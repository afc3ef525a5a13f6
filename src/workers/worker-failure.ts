/** Why a worker does not serve or stop, in a line for the operator. */
export class WorkerFailure extends Error {}
