// What has to be looked at before any WebAssembly can run, and the routine that is asked. It answers in JSON.
import { initSync, report } from "./core.js";
import bytes from "./core_bg.wasm";

// Modules that are sound only where an engine has something: each begins with the magic number and the version.
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0];
const FEATURES = {
  mvp: [],
  // A function that is made of one instruction of each.
  "sign extension": [1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 10, 7, 1, 5, 0, 65, 0, 192, 11],
  "non-trapping conversions": [1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 10, 11, 1, 9, 0, 67, 0, 0, 0, 0, 252, 0, 11],
  "bulk memory": [1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 10, 13, 1, 11, 0, 65, 0, 65, 0, 65, 0, 252, 11, 0, 11],
  "multiple values": [1, 6, 1, 96, 0, 2, 127, 127, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 65, 0, 11],
  "reference types": [1, 5, 1, 96, 0, 1, 111, 3, 2, 1, 0, 10, 6, 1, 4, 0, 208, 111, 11],
  simd: [1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
  "tail calls": [1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 6, 1, 4, 0, 18, 0, 11],
  threads: [5, 4, 1, 3, 1, 1],
};

const attempt = (work) => {
  try {
    return work();
  } catch (error) {
    return `error: ${error?.message ?? error}`;
  }
};
// Some engines compile nothing any more once an isolate answers: what they can do is found out before.
const sound = (parts) => attempt(() => new WebAssembly.Module(new Uint8Array([...HEAD, ...parts])) && true) === true;

const features = Object.fromEntries(Object.entries(FEATURES).map(([name, parts]) => [name, sound(parts)]));
const start = () =>
  attempt(() => {
    const since = Date.now();
    initSync({ module: new WebAssembly.Module(bytes) });
    return Date.now() - since;
  });
const early = start();
let late;

export default {
  async fetch(request, context, env) {
    const asked = new URL(request.url).searchParams;
    const probe = asked.get("probe") ?? "request";
    if (typeof early === "string") late ??= start();
    if (probe === "engine") {
      const made = attempt(() => WebAssembly.instantiate?.(new Uint8Array(HEAD)));
      const asynchronous = await Promise.resolve(made).then(
        (instance) => (typeof instance === "string" ? instance : Boolean(instance)),
        (error) => `error: ${error?.message ?? error}`,
      );
      const in_a_request = { compiles: attempt(() => Boolean(new WebAssembly.Module(new Uint8Array(HEAD)))), asynchronous };
      const shape = { context: typeof context, waitUntil: typeof context?.waitUntil, env: typeof env };
      return answer({ milliseconds_to_start: early, in_a_request, started_late: late, features, arguments: shape });
    }
    if (typeof early === "string" && typeof late === "string") return answer({ error: `WebAssembly does not start: ${late}` });
    // What is missing would end the module that asks for it.
    const missing = { kv: typeof EdgeKV, cache: typeof cache }[probe] === "undefined";
    if (missing) return answer({ error: `there is no ${probe}` });
    return answer(await report(request, probe, asked.get("first") ?? "", asked.get("second") ?? ""));
  },
};

function answer(value) {
  return new Response(JSON.stringify(value), { headers: { "content-type": "application/json", "x-miaobu-self-test": "1" } });
}
