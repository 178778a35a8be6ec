// What has to be looked at before any WebAssembly can run, and the routine that is asked. It answers in JSON.
import { initSync, report } from "./core.js";
import bytes from "./core_bg.wasm";

// Modules that are sound only where an engine has something: each begins with the magic number and the version.
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0];
const FEATURES = {
  mvp: [],
  // A function that is made of one instruction of each.
  "sign extension": [1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 10, 7, 1, 5, 0, 65, 0, 192, 11],
  "non-trapping conversions": [1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 10, 12, 1, 10, 0, 67, 0, 0, 0, 0, 252, 0, 11],
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
const sound = (parts) => attempt(() => new WebAssembly.Module(new Uint8Array([...HEAD, ...parts])) && true) === true;

let started;
function start(when) {
  started ??= attempt(() => {
    const since = Date.now();
    initSync({ module: new WebAssembly.Module(bytes) });
    return { when, milliseconds: Date.now() - since };
  });
  return started;
}

export default {
  async fetch(request, context, env) {
    const asked = new URL(request.url).searchParams;
    const probe = asked.get("probe") ?? "request";
    if (probe === "engine") {
      const features = Object.entries(FEATURES).map(([name, parts]) => [name, sound(parts)]);
      const later = await Promise.resolve(attempt(() => WebAssembly.instantiate?.(new Uint8Array(HEAD)))).then(
        (made) => (typeof made === "string" ? made : Boolean(made)),
        (error) => `error: ${error?.message ?? error}`,
      );
      const shape = { context: typeof context, waitUntil: typeof context?.waitUntil, env: typeof env };
      return answer({ webassembly: start("in a request"), features: Object.fromEntries(features), asynchronous: later, arguments: shape });
    }
    const engine = start("in a request");
    if (typeof engine === "string") return answer({ error: `WebAssembly does not start: ${engine}` });
    return answer(await report(request, probe, asked.get("first") ?? "", asked.get("second") ?? ""));
  },
};

function answer(value) {
  return new Response(JSON.stringify(value), { headers: { "content-type": "application/json", "x-miaobu-self-test": "1" } });
}
