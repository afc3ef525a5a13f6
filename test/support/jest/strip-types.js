import { stripTypeScriptTypes } from "node:module";

/** A jest transformer that only strips types. */
export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
};
