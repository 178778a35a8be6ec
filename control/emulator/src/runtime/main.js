// Calls a routine as ESA does: with the context second, and its variables third.
import { execute } from "./runtime.js";
import routine from "./code.js";

export default {
  fetch(request, env, context) {
    const variables = Object.entries(env).filter(([name]) => name.startsWith("VARIABLE_"));
    return execute(routine, request, env.KV_URL, Object.fromEntries(variables.map(([name, value]) => [name.slice(9), value])), context);
  },
};
