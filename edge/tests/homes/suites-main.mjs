import { initSync, runCase } from "./core.js";
import module from "./core_bg.wasm";

initSync({ module });

export default {
  async fetch(request) {
    return new Response(runCase(new URL(request.url).pathname.slice(1), await request.text()));
  },
};
