// ESA's runtime, as far as the routine can tell: EdgeKV, and four sub-requests an execution. Runs inside workerd and Node.

import { AsyncLocalStorage } from "node:async_hooks";

const LIMIT = 4;
const TYPES = ["text", "json", "stream", "arrayBuffer"];

const execution = new AsyncLocalStorage();
const network = globalThis.fetch;
let kvUrl;

/**
 * Puts EdgeKV and the counting fetch in place; values come from `url`, a key each. With `tells`, requests to any other
 * server are not sent: the answer says what was asked.
 */
export function install(url, tells = false) {
  kvUrl = url;
  const origin = new URL(url).origin;
  const tell = (asked, init) => new Response(null, { headers: { "x-standin-asked": `${init?.method ?? "GET"} ${asked}` } });
  const send = (asked, init) => (tells && !String(asked).startsWith(origin) ? tell(asked, init) : network(asked, init));
  globalThis.EdgeKV = EdgeKV;
  globalThis.fetch = (...request) => count("fetch") ?? send(...request);
}

/** Calls the routine as ESA does, with env third, and says in a header what it asked for. */
export async function execute(routine, request, env, context) {
  const asked = { kv: 0, fetch: 0 };
  const scheme = request.headers.get("x-standin-scheme");
  if (scheme) request = new Request(request.url.replace(/^http:/, `${scheme}:`), request);
  const info = { remote_addr: "127.0.0.1", ip_country_id: request.headers.get("x-standin-country") ?? undefined };
  Object.defineProperty(request, "info", { value: info });
  const response = await execution.run(asked, () => routine.fetch(request, context ?? {}, env));
  // Copied, an answer would lose it.
  if (response.webSocket) return response;
  const counted = new Response(response.body, response);
  counted.headers.set("x-subrequests", `kv=${asked.kv} fetch=${asked.fetch}`);
  return counted;
}

function count(kind) {
  const asked = execution.getStore();
  if (asked.kv + asked.fetch >= LIMIT) return Promise.reject(new Error("more sub-requests than ESA allows"));
  asked[kind] += 1;
  return undefined;
}

class EdgeKV {
  constructor({ namespace }) {
    if (!namespace) throw new TypeError("namespace");
  }

  async get(key, options) {
    if (!TYPES.includes(options?.type)) throw new TypeError("type");
    await count("kv");
    const response = await network(`${kvUrl}/${encodeURIComponent(key)}`);
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    if (!response.ok) throw new Error(`EdgeKV: ${response.status}`);
    return options.type === "arrayBuffer" ? response.arrayBuffer() : response.text();
  }
}
