/** For streams whose readers must not fail: a fault fails the test. */
export const noFault = (error: unknown): never => {
  throw error;
};
