// What ESA's runtime has beside the web's own: EdgeKV, cache, request.info, and four sub-requests an execution.
import { AsyncLocalStorage } from "node:async_hooks";

const LIMIT = 4;
const REDIRECTS = 12;
const TYPES = ["text", "json", "stream", "arrayBuffer"];

const execution = new AsyncLocalStorage();
const network = globalThis.fetch;
const cached = new Map();

export async function execute(routine, request, kvUrl, env, context) {
  const info = { remote_addr: request.headers.get("ali-real-client-ip") ?? "127.0.0.1", scheme: "http" };
  Object.defineProperty(request, "info", { value: info });
  try {
    return await execution.run({ asked: 0, kvUrl }, () => routine.fetch(request, context, env));
  } catch (error) {
    console.log(`uncaught: ${error?.stack ?? error}`);
    return new Response("uncaught exception\n", { status: 599 });
  }
}

function count() {
  const state = execution.getStore();
  if (!state) throw new Error("no sub-request is made outside of an execution");
  if (state.asked >= LIMIT) throw new Error("more sub-requests than an execution may make");
  state.asked += 1;
  return state.kvUrl;
}

globalThis.fetch = async (input, init) => {
  let request = new Request(input, { ...init, redirect: "manual" });
  for (let hops = 0; ; hops += 1) {
    count();
    const response = await network(request);
    const location = response.headers.get("location");
    const follows = (init?.redirect ?? "follow") === "follow" && [301, 302, 303, 307, 308].includes(response.status);
    if (!follows || !location) return response;
    if (hops === REDIRECTS) throw new TypeError("too many redirects");
    if (response.status === 307 && request.method !== "GET") throw new TypeError("307 is followed for GET only");
    await response.body?.cancel();
    request = new Request(new URL(location, request.url), { headers: request.headers, redirect: "manual" });
  }
};

globalThis.EdgeKV = class EdgeKV {
  #namespace;

  constructor(options) {
    this.#namespace = options?.namespace;
    if (!this.#namespace) throw new TypeError("EdgeKV needs a namespace");
  }

  async get(key, options) {
    const type = options === undefined ? "text" : options.type;
    if (!TYPES.includes(type)) throw new TypeError("the type is none of text, json, stream and arrayBuffer");
    const response = await network(`${count()}/${encodeURIComponent(this.#namespace)}/${encodeURIComponent(key)}`);
    if (response.status === 404) {
      await response.body?.cancel();
      return undefined;
    }
    if (!response.ok) throw new Error(`EdgeKV: ${response.status}`);
    return type === "stream" ? response.body : response[type]();
  }

  async put(key, value) {
    const body = value instanceof Response || value instanceof ReadableStream ? await new Response(value.body ?? value).arrayBuffer() : value;
    await this.#change("PUT", key, body);
  }

  async delete(key) {
    return (await this.#change("DELETE", key)) === 200;
  }

  async #change(method, key, body) {
    const address = `${count()}/${encodeURIComponent(this.#namespace)}/${encodeURIComponent(key)}`;
    const response = await network(address, { method, body });
    const words = await response.text();
    if (!response.ok && !(method === "DELETE" && response.status === 404)) throw new Error(`EdgeKV: ${words}`);
    return response.status;
  }
};

function keyOf(request) {
  const url = new URL(typeof request === "string" ? request : request.url);
  if (url.protocol !== "http:") throw new TypeError("only http addresses are kept");
  return url.href;
}

globalThis.cache = {
  async put(request, response) {
    count();
    const seconds = Number(/max-age=(\d+)/.exec(response.headers.get("cache-control") ?? "")?.[1] ?? 0);
    const { status, headers } = response;
    cached.set(keyOf(request), { body: await response.arrayBuffer(), status, headers: [...headers], ends: Date.now() + seconds * 1000 });
  },
  async get(request) {
    count();
    const found = cached.get(keyOf(request));
    return found && found.ends > Date.now() ? new Response(found.body, found) : undefined;
  },
  async delete(request) {
    count();
    return cached.delete(keyOf(request));
  },
};
