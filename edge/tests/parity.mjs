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
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { send } from "./homes/client.mjs";
import { conditionsFor, hostileRequests, randomFrom, requestsFor } from "./homes/requests.mjs";
import { startFunction, startJavascript, startNative, startNode, startStorage, startWorkerd } from "./homes/start.mjs";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const seed = Number(process.env.TEST_PARITY_SEED ?? 20261121);

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

const SECOND = { ...SITE, "index.html": "<!doctype html><title>Second</title>", "second.css": "i{}", "assets/app-Zz9_x1Yw.js": "console.log(2)" };

// What opens the protected hosts, made by another implementation than the core's.
const KEY = "5a".repeat(32);
const SALT = "0102030405060708090a0b0c0d0e0f10";
const PASSWORD = "correct horse & battery";
const VERIFIER = pbkdf2Sync(PASSWORD, Buffer.from(SALT, "hex"), 2_000, 32, "sha256");
const BYPASS = "mb_bypass_parity";
const FUTURE = 4_000_000_000;
/** A page for errors that names no request. */
const OWN_PAGE = "<h1>Back soon</h1>";
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const PROTECTION = `${KEY} 2000:${SALT}:${VERIFIER.toString("hex")} 3,5 ${sha256("another")},${sha256(BYPASS)}`;

function sign(purpose, slug, link, until) {
  const code = createHmac("sha256", Buffer.from(KEY, "hex")).update(`${purpose}:${slug}:${link}.${until}`);
  if (purpose === "access" && link === 0) code.update(VERIFIER);
  return `${link}.${until}.${code.digest("hex")}`;
}

const SPLIT = "split.localhost";
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
  const second = join(folder, "second");
  for (const [name, content] of Object.entries(SECOND)) {
    mkdirSync(dirname(join(second, name)), { recursive: true });
    writeFileSync(join(second, name), content);
  }
  const make = (host, slug, id, ...options) => execFileSync(makeSite, [site, folder, host, slug, String(id), ...options]);
  const makeSecond = (host, slug, id) => execFileSync(makeSite, [second, folder, host, slug, String(id)]);
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
  writeFileSync(join(site, "502.html"), OWN_PAGE);
  writeFileSync(join(site, "405.html"), "<h1>Only to be read</h1>");
  make("lost-page.localhost", "lost", 25);
  make("lost-pages.localhost", "lost", 26);
  rmSync(join(site, "502.html"));
  rmSync(join(site, "405.html"));
  make("bare.localhost", "bare", 9, "shell");
  make("sharded.localhost", "sharded", 22, "coded", "dated", "retained", "limit=2000");
  make("many.localhost", "many", 23, "shell", "many");
  make("lost-shard.localhost", "lost-shard", 24, "limit=1700");
  make("locked.localhost", "locked", 12, "noindex");
  make(SPLIT, "split", 13);
  makeSecond("split-d14.localhost", "split", 14);
  make("pins.localhost", "pins", 15);
  makeSecond("pins-d16.localhost", "pins", 16);
  make("pins-d17.localhost", "pins", 17, "coded");
  const kv = (name) => join(folder, "kv", name);
  const amend = (host, fields) => {
    const { check, ...record } = JSON.parse(readFileSync(kv(host), "utf8"));
    writeFileSync(kv(host), JSON.stringify({ ...record, ...fields }));
  };
  amend("locked.localhost", { protection: PROTECTION });
  amend(SPLIT, { split: "14 d-14 4000 7" });
  amend("pins.localhost", { pins: `16 d-16 ${FUTURE},17 d-17 1000` });
  writeFileSync(kv("closed.localhost"), readFileSync(kv("locked.localhost"), "utf8").replace(KEY, "nonsense"));
  const objects = (name) => join(folder, "objects/projects", name);
  // Their copies are still there.
  for (const name of readdirSync(join(folder, "kv")).filter((name) => name.startsWith("d-24-"))) rmSync(kv(name));
  rmSync(kv("d-4"));
  flip(kv("damaged-record.localhost"));
  for (const file of [kv("d-6"), objects("damaged/6.site")]) flip(file);
  for (const file of [kv("d-7"), objects("lost/7.site")]) rmSync(file);
  for (const name of ["8/about.html", "25/about.html", "26/about.html", "26/502.html", "26/405.html"]) rmSync(objects(`lost/${name}`));
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
  const records = readdirSync(join(out, "kv")).filter((name) => !/^d-\d+(-\d+)?$/.test(name) && name !== FUNCTION && name !== SPLIT);
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
  assert.ok(answer.body.length === 0 || answer.body.includes(id) || answer.body.includes(OWN_PAGE));
  const headers = answer.headers.with(at, "x-miaobu-request-id: …");
  return { ...answer, headers, body: Buffer.from(answer.body.toString("latin1").replace(id, "…"), "latin1") };
}

const files = new Set();

/** How often to ask: an isolate has the file itself when it was asked for twice. */
function times({ method, host }, { status, headers }) {
  const file = `${method} ${host} ${status} ${headers.find((header) => header.startsWith("etag: "))}`;
  if (method !== "GET" || files.has(file)) return 1;
  files.add(file);
  return 3;
}

async function compare(request) {
  const expected = withoutId(await send(native.url, request));
  for (let left = times(request, expected); left > 0; left -= 1) {
    const answers = Object.entries(homes).map(async ([name, home]) => [name, withoutId(await send(home.url, request))]);
    for (const [name, got] of await Promise.all(answers)) {
      const same = got.status === expected.status && String(got.headers) === String(expected.headers) && got.body.equals(expected.body);
      if (!same) assert.deepEqual(show(got), show(expected), `${name} differs on ${JSON.stringify(request)}, seed ${seed}`);
    }
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

test("hostile paths get the same answer in every home, from their own site or none", async () => {
  const statuses = new Set();
  for (const host of ["docs.localhost", "older.localhost", "sharded.localhost"]) {
    const own = JSON.parse(readFileSync(join(out, "kv", host), "utf8"));
    const contents = filesOf(own).map((file) => readFileSync(join(out, "objects", own.oss_path, file)));
    for (const request of hostileRequests(host, "/about.html")) {
      const { status, headers, body } = await compare(request);
      statuses.add(status);
      const location = headers.find((header) => header.startsWith("location: ")) ?? "location: /";
      assert.match(location, /^location: \/(?![\/\\])/, request.target);
      if (status === 200) assert.ok(contents.some((content) => content.equals(body)), request.target);
    }
  }
  assert.deepEqual([...statuses].filter((status) => ![200, 308, 404].includes(status)), []);
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

test("a site's own pages for errors are given alike by every home, and ours where they are lost", async () => {
  const ask = async (host, target, more = {}) => {
    const { status, body } = await compare({ method: "GET", host, target, ...more });
    return [status, body.toString()];
  };
  assert.deepEqual(await ask("lost-page.localhost", "/about"), [502, OWN_PAGE]);
  assert.deepEqual(await ask("lost-page.localhost", "/", { method: "POST" }), [405, "<h1>Only to be read</h1>"]);
  assert.deepEqual(await ask("lost-page.localhost", "/", { method: "DELETE", headers: { accept: "text/html" } }), [405, "<h1>Only to be read</h1>"]);
  const json = { headers: { accept: "application/json" } };
  for (const [host, more] of [["lost-page.localhost", json], ["lost-pages.localhost", {}]]) {
    const [status, body] = await ask(host, "/about", more);
    assert.ok(status === 502 && body.includes("object_missing"), body);
  }
});

test("a protected host opens alike in every home, and for nobody else", async () => {
  const host = "locked.localhost";
  const ask = (target, headers = {}, more = {}) => compare({ method: "GET", host, target, headers, ...more });
  const cookie = (value) => ({ cookie: `a=b; __miaobu_access=${value}; c` });
  const forged = sign("access", "locked", 0, FUTURE).replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
  for (const [expected, target, headers] of [
    [401, "/", {}],
    [401, "/about?x=%22%3C&y", {}],
    [401, "/nowhere.js", {}],
    [401, "/_miaobu/unlock", {}],
    [200, "/", cookie(sign("access", "locked", 0, FUTURE))],
    [200, "/", cookie(sign("access", "locked", 5, FUTURE))],
    [404, "/nowhere", cookie(sign("access", "locked", 5, FUTURE))],
    [308, "/about.html", cookie(sign("access", "locked", 5, FUTURE))],
    [200, "/assets/app-B2x_-9aZ.js", cookie(sign("access", "locked", 5, FUTURE))],
    [401, "/", cookie(sign("access", "locked", 4, FUTURE))],
    [401, "/", cookie(sign("access", "other", 0, FUTURE))],
    [401, "/", cookie(sign("access", "locked", 0, 1_000))],
    [401, "/", cookie(sign("share", "locked", 5, FUTURE))],
    [401, "/", cookie(forged)],
    [200, "/", { "x-miaobu-bypass": BYPASS }],
    [200, "/", { "x-vercel-protection-bypass": BYPASS }],
    [401, "/", { "x-miaobu-bypass": `${BYPASS}x` }],
    [401, `/?_miaobu_share=${sign("share", "locked", 3, 1_000)}`, {}],
    [401, `/?_miaobu_share=${sign("share", "locked", 4, FUTURE)}`, {}],
  ]) {
    const { status, headers: answered } = await ask(target, headers);
    assert.equal(status, expected, `${target} ${JSON.stringify(headers)}`);
    const named = answered.filter((header) => /^(cache-control|x-robots-tag): /.test(header));
    assert.deepEqual(named, ["cache-control: no-store", "x-robots-tag: noindex"], `${target} ${answered}`);
  }
  assert.equal((await compare({ method: "GET", host: "closed.localhost", target: "/" })).status, 500);
  await ask("/", { "content-type": "application/x-www-form-urlencoded" }, { method: "POST", target: "/_miaobu/unlock", body: "password=wrong&to=/a" });
  await ask("/", {}, { method: "POST", target: "/_miaobu/unlock", body: `password=${"x".repeat(5_000)}` });
  await ask("/", {}, { method: "POST", target: "/_miaobu/unlock" });
});

test("who is let in by one home is let in by all", async () => {
  const host = "locked.localhost";
  const body = `to=${encodeURIComponent("//evil.example/a?b")}&password=${encodeURIComponent(PASSWORD).replaceAll("%20", "+")}`;
  const token = sign("share", "locked", 3, Math.floor(Date.now() / 1000) + 100);
  for (const [request, target] of [
    [{ method: "POST", host, target: "/_miaobu/unlock", body }, "/evil.example/a?b"],
    [{ method: "GET", host, target: `//about?x&_miaobu_share=${token}&y` }, "/about?x&y"],
  ]) {
    for (const home of [native, ...Object.values(homes)]) {
      const { status, headers } = await send(home.url, request);
      const value = (name) => headers.find((header) => header.startsWith(`${name}: `))?.slice(name.length + 2);
      assert.deepEqual([status, value("location"), value("cache-control")], [303, target, "no-store"]);
      const [, cookie, attributes] = /^(__miaobu_access=[\d.a-f]+)(; .*)$/.exec(value("set-cookie"));
      assert.match(attributes, /^; Path=\/; Max-Age=(604800|100|99|98); HttpOnly; SameSite=Lax$/);
      const opened = await compare({ method: "GET", host, target: "/", headers: { cookie } });
      assert.equal(opened.status, 200);
    }
  }
});

test("both sides of a split are served alike, and each visitor stays on one", async () => {
  const seen = {};
  for (const target of ["/", "/about", "/second.css", "/style.css", "/assets/app-Zz9_x1Yw.js", "/nowhere", "/index.html"]) {
    for (let lot = 0; lot < 10_000; lot += 400) {
      const { headers } = await compare({ method: "GET", host: SPLIT, target, headers: { cookie: `__miaobu_split=${lot}` } });
      const deployment = headers.find((header) => header.startsWith("x-miaobu-deployment: "));
      seen[`${target} ${deployment.slice(21)}`] = (seen[`${target} ${deployment.slice(21)}`] ?? 0) + 1;
    }
    for (const key of ["ada", "grace", "", "用户"]) {
      await compare({ method: "GET", host: SPLIT, target, headers: { "x-miaobu-split-key": encodeURIComponent(key) } });
    }
  }
  assert.deepEqual([seen["/ 13"], seen["/ 14"]], [15, 10]);
  // A name with a hash is found from either side, any other only on its own.
  assert.deepEqual([seen["/assets/app-Zz9_x1Yw.js 13"], seen["/assets/app-Zz9_x1Yw.js 14"]], [undefined, 25]);
  assert.deepEqual([seen["/second.css 13"], seen["/second.css 14"]], [15, 10]);
  for (const home of [native, ...Object.values(homes)]) {
    const { headers } = await send(home.url, { method: "GET", host: SPLIT, target: "/" });
    const cookie = headers.find((header) => header.startsWith("set-cookie: "));
    assert.match(cookie, /^set-cookie: __miaobu_split=\d{1,4}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/);
    assert.ok(headers.includes("cache-control: private, max-age=0, must-revalidate"));
  }
});

test("pins lead to the same deployment from every home", async () => {
  const host = "pins.localhost";
  for (const [deployment, target, headers] of [
    [16, "/style.css?dpl=16", {}],
    [16, "/", { "x-deployment-id": "16", "sec-fetch-mode": "cors" }],
    [16, "/", { cookie: "__vdpl=16", "sec-fetch-mode": "navigate" }],
    [16, "/second.css?dpl=16", {}],
    [15, "/second.css", {}],
    [15, "/?dpl=16", { "sec-fetch-mode": "navigate" }],
    [15, "/style.css?dpl=17", {}],
    [15, "/style.css?dpl=1", {}],
    [15, "/style.css?dpl=15", { cookie: "__vdpl=16" }],
  ]) {
    const answer = await compare({ method: "GET", host, target, headers });
    assert.ok(answer.headers.includes(`x-miaobu-deployment: ${deployment}`), `${target} ${answer.headers}`);
    assert.ok(answer.headers.some((header) => /^vary: .*X-Deployment-Id, Cookie/.test(header)), `${answer.headers}`);
  }
});

test("cookies and tokens made up at random open nothing, in any home", async () => {
  const random = randomFrom(seed);
  const digits = (alphabet, length) => Array.from({ length }, () => alphabet[Math.floor(random() * alphabet.length)]).join("");
  for (let count = 0; count < 100; count += 1) {
    const value = count % 2 ? `${digits("035", 1)}.${digits("0123456789", 10)}.${digits("0123456789abcdef", 64)}` : digits("0123456789abcdef.=-", 1 + Math.floor(random() * 90));
    const headers = count % 3 ? { cookie: `__miaobu_access=${value}` } : { "x-miaobu-bypass": value };
    assert.equal((await compare({ method: "GET", host: "locked.localhost", target: `/?_miaobu_share=${value}`, headers })).status, 401);
  }
});
