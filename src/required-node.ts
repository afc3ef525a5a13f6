/** The oldest major version of Node that can run the gateway: it needs `node:sqlite` and `await using`. */
export const REQUIRED_NODE = 24;

/** Whether a Node of this version, such as `24.21.0`, can. */
export const isNewEnough = (version: string): boolean => Number.parseInt(version, 10) >= REQUIRED_NODE;
