import { stripTypeScriptTypes } from "node:module";

/** A jest transformer: removes the types and nothing else. */
export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
};
