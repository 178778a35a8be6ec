// Starts the homes of the routine, and the storage they read.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const edgePackage = fileURLToPath(new URL("../../../wasm-pkg/", import.meta.url));

/** Serves the files below `root` under their decoded paths, as an object store and as the values of EdgeKV. */
export async function startStorage(root) {
  const server = createServer(async (request, response) => {
    try {
      const object = await readFile(join(root, decodeURIComponent(request.url)));
      const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
      const body = start === undefined ? object : object.subarray(Number(start), Number(end) + 1);
      response.writeHead(start === undefined ? 200 : 206, { "content-length": body.length });
      response.end(request.method === "HEAD" ? undefined : body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return listen(server);
}

/** A function that says what reached it. */
export async function startFunction() {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method, url, headers } = request;
    const known = ["x_forwarded_for", "x-forwarded-prefix", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "x-own", "x-named"];
    const body = JSON.stringify({ method, url, headers: known.map((name) => headers[name]), body: Buffer.concat(chunks).toString() });
    const status = Number(headers["x-answer-with"] ?? 200);
    const own = [["content-type", "application/json"], ["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-miaobu-deployment", "forged"]];
    if (status === 302) own.push(["location", "/elsewhere"]);
    if (status !== 204) own.push(["content-length", Buffer.byteLength(body)]);
    response.writeHead(status, own.flat());
    response.end(status === 204 || method === "HEAD" ? undefined : body);
  });
  return listen(server);
}

async function listen(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

/** A one-file bundle in Node. */
export async function startNode(storage, { tellsRequests = false, bundle = "esa.js" } = {}) {
  const { execute, install } = await import("./standin.mjs");
  const { default: routine } = await import(join(edgePackage, bundle));
  install(`${storage}/kv`, tellsRequests);
  const env = { MIAOBU_OBJECTS_URL: `${storage}/objects` };
  const server = createServer(async (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const body = ["GET", "HEAD"].includes(method) ? undefined : ReadableStream.from(incoming);
    const request = new Request(`http://${headers.host}${url}`, { method, headers, body, duplex: "half" });
    const response = await execute(routine, request, env);
    outgoing.writeHead(response.status, [...response.headers].flat());
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  });
  return listen(server);
}

/** The imported module in workerd. */
export function startWorkerd(storage, { tellsRequests = false } = {}) {
  const own = ["standin.mjs", "workerd-main.mjs"].map((name) => join(here, name));
  const built = ["workerd.js", "routine.wasm", "rest.wasm"].map((name) => join(edgePackage, name));
  const modules = [["workerd-main.mjs", "esModule"], ["standin.mjs", "esModule"], ["workerd.js", "esModule"], ["routine.wasm", "wasm"], ["rest.wasm", "wasm"]];
  const bindings = { KV_URL: `${storage}/kv`, TELLS: tellsRequests ? "1" : "", MIAOBU_OBJECTS_URL: `${storage}/objects` };
  return runWorkerd({ files: [...own, ...built], modules, bindings });
}

/** A worker of these files in workerd; the first of its modules is the one that answers. */
export async function runWorkerd({ files, modules, bindings = {} }) {
  const folder = await mkdtemp(join(tmpdir(), "miaobu-workerd-"));
  for (const file of files) await copyFile(file, join(folder, basename(file)));
  const module = ([name, type]) => `(name = "${name}", ${type} = embed "${name}")`;
  const text = ([name, value]) => `(name = "${name}", text = "${value}")`;
  await writeFile(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [${modules.map(module).join(", ")}],
      bindings = [${Object.entries(bindings).map(text).join(", ")}],
      compatibilityDate = "2026-11-01", compatibilityFlags = ["nodejs_als"])),
    (name = "internet", network = (allow = ["private", "public", "local"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
`,
  );
  const program = join(here, "../node_modules/.bin/workerd");
  const child = spawn(program, ["serve", "config.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const line = await firstLine(child, child.stdio[3], "workerd");
  const stop = async () => {
    child.kill();
    await rm(folder, { recursive: true, force: true });
  };
  return { url: `http://127.0.0.1:${JSON.parse(line).port}`, stop };
}

/** The bundle of JavaScript alone, in a Node that has no WebAssembly. */
export async function startJavascript(storage) {
  const child = spawn(process.execPath, [join(here, "javascript.mjs"), storage], { stdio: ["pipe", "pipe", "inherit"] });
  const url = await firstLine(child, child.stdout, "javascript.mjs");
  return { url, stop: () => child.stdin.end() };
}

/** A program that serves `out` natively, prints its URL, and ends with its standard input. */
export async function startNative(program, out) {
  const child = spawn(program, [out], { stdio: ["pipe", "pipe", "inherit"] });
  const url = await firstLine(child, child.stdout, program);
  return { url, stop: () => child.stdin.end() };
}

async function firstLine(child, stream, name) {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${name} ended with ${code}`);
  });
  ended.catch(() => {});
  const [line] = await Promise.race([once(createInterface(stream), "line"), ended]);
  return line;
}
