/** For streams whose readers must not fail: the fault of one is the test's. */
export const noFault = (error: unknown): never => {
  throw error;
};
