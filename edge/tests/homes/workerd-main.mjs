import { execute, install } from "./standin.mjs";
import routine from "./workerd.js";

export default {
  fetch(request, env, context) {
    install(env.KV_URL, env.TELLS === "1");
    return execute(routine, request, env, context);
  },
};
