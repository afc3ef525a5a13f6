/** The global of a suite that says whether its running test has failed; see `SuiteEnvironment`. */
export const FAILED = "__sluiceTestFailed";

/** For an `afterEach`: whether its test has failed, by an error or by its time limit. */
export const hasFailed = (): boolean => Reflect.get(globalThis, FAILED) === true;
