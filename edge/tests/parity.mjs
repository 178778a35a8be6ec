// Compares every answer of the homes of the routine, byte for byte, with the native one on the same deployments.
//
//     node --test edge/tests/parity.mjs
//
// Without more it makes sites of its own and takes the core carried out by edge/examples/native.rs as native. Another
// native edge takes part as MIAOBU_PARITY_NATIVE, a program that is given a folder with `objects` and `kv`, as make_site
// leaves them, serves it, prints its URL, and ends with its standard input. It calls functions, which the example does
// not, so that these are compared too. MIAOBU_PARITY_EXPORT is such a folder to use in place of sites made here.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { send } from "./homes/client.mjs";
import { conditionsFor, randomFrom, requestsFor } from "./homes/requests.mjs";
import { startFunction, startJavascript, startNative, startNode, startStorage, startWorkerd } from "./homes/start.mjs";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const seed = Number(process.env.MIAOBU_PARITY_SEED ?? 20261121);

const SITE = {
  "index.html": "<!doctype html><title>Home</title>",
  "404.html": "<h1>Nothing here</h1>",
  "about.html": "<h1>About</h1>",
  "blog/index.html": "<h1>Blog</h1>",
  "blog/404.html": "<h1>No such post</h1>",
  "blog/first post.html": "<h1>First</h1>",
  "blog/café/index.html": "<h1>Café</h1>",
  "both.html": "<h1>Page</h1>",
  "both/index.html": "<h1>Folder</h1>",
  "[slug].html": "<h1>Brackets</h1>",
  "bin": "no extension",
  "bin.html": "<h1>Beside</h1>",
  "assets/app-B2x_-9aZ.js": "console.log(1)",
  "assets/app-B2x_-9aZ.js.map": "{}",
  "style.css": "body{}",
  "a+b@c,d.txt": "plus",
  "100%.txt": "percent",
  "empty.txt": "",
  "hints.html": `<base href="/assets/"><link rel=modulepreload href=app-B2x_-9aZ.js><link rel="preload" as=style href="/style.css">`,
  "data.bin": Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 251)),
};

const FUNCTION = "function.localhost";
const otherNative = process.env.MIAOBU_PARITY_NATIVE;

let out;
let native;
let homes;
const running = [];

before(async () => {
  const target = process.env.CARGO_TARGET_DIR ?? join(workspace, "target");
  const exported = process.env.MIAOBU_PARITY_EXPORT;
  out = exported ?? makeSites(join(target, "debug/examples/make_site"));
  const storage = await keep(startStorage(out));
  const { url } = await keep(startFunction());
  writeFileSync(join(out, "kv", FUNCTION), JSON.stringify({ type: "node", fc_endpoint: url, deployment_id: 10 }));
  native = await keep(startNative(otherNative ?? join(target, "debug/examples/native"), out));
  homes = {
    node: await keep(startNode(storage.url)),
    workerd: await keep(startWorkerd(storage.url)),
    javascript: await keep(startJavascript(storage.url)),
  };
});

after(async () => {
  for (const home of running.reverse()) await home.stop();
  if (out && !process.env.MIAOBU_PARITY_EXPORT) rmSync(out, { recursive: true, force: true });
});

async function keep(starting) {
  const home = await starting;
  running.push(home);
  return home;
}

function makeSites(makeSite) {
  execFileSync("cargo", ["build", "--quiet", "-p", "miaobu-edge", "--features", "build", "--examples"], { cwd: workspace, stdio: "inherit" });
  const folder = mkdtempSync(join(tmpdir(), "miaobu-parity-"));
  const site = join(folder, "site");
  for (const [name, content] of Object.entries(SITE)) {
    mkdirSync(dirname(join(site, name)), { recursive: true });
    writeFileSync(join(site, name), content);
  }
  const make = (host, slug, id, ...options) => execFileSync(makeSite, [site, folder, host, slug, String(id), ...options]);
  make("docs.localhost", "docs", 1);
  make("coded.localhost", "coded", 11, "coded", "dated", "retained");
  make("coded-d11.localhost", "coded", 11, "coded", "dated", "retained", "noindex", "shell");
  make("app.localhost", "app", 2, "shell");
  make("app-d2.localhost", "app", 2, "shell", "noindex");
  make("older.localhost", "older", 3, "older");
  make("copied.localhost", "copied", 4);
  make("damaged-record.localhost", "damaged", 5);
  make("damaged-site.localhost", "damaged", 6);
  make("lost-site.localhost", "lost", 7);
  make("lost-object.localhost", "lost", 8);
  make("bare.localhost", "bare", 9, "shell");
  const kv = (name) => join(folder, "kv", name);
  const objects = (name) => join(folder, "objects/projects", name);
  rmSync(kv("d-4"));
  flip(kv("damaged-record.localhost"));
  for (const file of [kv("d-6"), objects("damaged/6.site")]) flip(file);
  for (const file of [kv("d-7"), objects("lost/7.site")]) rmSync(file);
  rmSync(objects("lost/8/about.html"));
  return folder;
}

function flip(file) {
  const bytes = readFileSync(file);
  bytes[40] ^= 1;
  writeFileSync(file, bytes);
}

function filesOf(record) {
  const folder = join(out, "objects", record.oss_path);
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => `/${relative(folder, join(entry.parentPath ?? entry.path, entry.name))}`);
  // Every file of a small site, a sample of a large one.
  return files.filter((_, index) => index % Math.ceil(files.length / 40) === 0);
}

function hosts() {
  const records = readdirSync(join(out, "kv")).filter((name) => !/^d-\d+$/.test(name) && name !== FUNCTION);
  return records.map((host) => {
    try {
      return [host, filesOf(JSON.parse(readFileSync(join(out, "kv", host), "utf8")))];
    } catch {
      return [host, []];
    }
  });
}

function show({ status, headers, body }) {
  return { status, headers, body: body.length > 300 ? `${body.length} bytes, ${body.subarray(0, 40).toString("latin1")}` : body.toString() };
}

/** Every home names a request by itself; where and how long the name is has to agree. */
function withoutId(answer) {
  const at = answer.headers.findIndex((header) => header.startsWith("x-miaobu-request-id: "));
  if (at < 0) return answer;
  const id = answer.headers[at].slice("x-miaobu-request-id: ".length);
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.ok(answer.body.length === 0 || answer.body.includes(id));
  const headers = answer.headers.with(at, "x-miaobu-request-id: …");
  return { ...answer, headers, body: Buffer.from(answer.body.toString("latin1").replace(id, "…"), "latin1") };
}

async function compare(request) {
  const expected = withoutId(await send(native.url, request));
  for (const [name, home] of Object.entries(homes)) {
    const got = withoutId(await send(home.url, request));
    const same = got.status === expected.status && String(got.headers) === String(expected.headers) && got.body.equals(expected.body);
    if (!same) assert.deepEqual(show(got), show(expected), `${name} differs on ${JSON.stringify(request)}, seed ${seed}`);
  }
  return expected;
}

test("every home answers every request as the native core does", async (context) => {
  const random = randomFrom(seed);
  const statuses = {};
  let count = 0;
  const check = async (request) => {
    const answer = await compare(request);
    statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
    count += 1;
    return answer;
  };
  for (const [host, files] of hosts()) {
    for (const request of requestsFor(host, files, random)) {
      const { status, headers } = await check(request);
      const tag = headers.find((header) => header.startsWith("etag: "))?.slice(6);
      if (status !== 200 || !tag) continue;
      for (const conditions of conditionsFor(tag, headers, random)) {
        await check({ ...request, headers: { ...request.headers, ...conditions } });
      }
      const fields = [tag, `W/${tag}`, `"x", ${tag}`];
      const field = fields[Math.floor(random() * fields.length)];
      const { range, "if-match": match, "if-unmodified-since": date, ...kept } = request.headers ?? {};
      const again = await check({ ...request, headers: { ...kept, "if-none-match": field } });
      assert.equal(again.status, 304);
    }
  }
  for (const host of ["unknown.localhost", "<b>.localhost", "DOCS.LOCALHOST:8787"]) {
    for (const method of ["GET", "HEAD", "POST"]) await check({ method, host: host.replace(/[<>]/g, ""), target: "/" });
  }
  context.diagnostic(`${count} requests, each to ${Object.keys(homes).join(" and ")}; statuses ${JSON.stringify(statuses)}`);
  assert.ok(count > 1_000);
});

test("a function is called alike from every home", { skip: !otherNative && "the example does not call functions" }, async () => {
  const own = { "x-own": "1", "x-forwarded-host": "forged", forwarded: "for=forged" };
  for (const request of [
    { method: "GET", target: "/a//b/../c%2Fd?x=%20&y" },
    { method: "GET", target: "/", headers: { ...own, "x-named": "2", connection: "close, x-named" } },
    { method: "HEAD", target: "/a" },
    { method: "POST", target: "/a?b", headers: own, body: "a body" },
    { method: "DELETE", target: "/a", headers: { "x-answer-with": "204" } },
    { method: "PUT", target: "/a", headers: { "x-answer-with": "302" }, body: "{}" },
    { method: "GET", target: "/", headers: { "x-answer-with": "404" } },
    { method: "OPTIONS", target: "/", headers: { "x-answer-with": "500" } },
    { method: "GET", target: "/_next/image?url=https://other.test/a" },
    { method: "GET", target: "/_next/image?url=https://other.test/a", headers: { "sec-fetch-dest": "image" } },
    { method: "GET", target: "/_image?href=//other.test/a" },
    { method: "GET", target: "/", headers: { ...own, "x_forwarded_for": "forged", "x-forwarded-prefix": "/forged" } },
  ]) {
    await compare({ ...request, host: FUNCTION });
  }
});
