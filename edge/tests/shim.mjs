// What the shim asks of its surroundings, and what it does when they fail. The routine runs in Node with everything around
// it made here: EdgeKV, fetch and the clock.
//
//     node --test edge/tests/shim.mjs

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const KEEPING = { MIAOBU_OBJECTS_URL: "https://objects.test" };
/** What counts questions asks for the same file more than once. */
const ENV = { ...KEEPING, MIAOBU_HOT_BODIES: "0" };
const INSTANCE = WebAssembly.Instance;
/** ESA's own. */
const MOST_SUBREQUESTS = 4;

let folder;
let asked;
let now;
let answers;
let kv;
let isolates = 0;
let mostSubrequests;

before(() => {
  const target = process.env.CARGO_TARGET_DIR ?? join(workspace, "target");
  execFileSync("cargo", ["build", "--quiet", "-p", "miaobu-edge", "--features", "build", "--examples"], { cwd: workspace, stdio: "inherit" });
  folder = mkdtempSync(join(tmpdir(), "miaobu-shim-"));
  const site = join(folder, "site");
  mkdirSync(site);
  for (const name of ["index.html", "about.html", "404.html", "app.js"]) writeFileSync(join(site, name), name);
  writeFileSync(join(site, "large.bin"), Buffer.alloc(65_537));
  writeFileSync(join(site, "_redirects"), "/old/* /about 301\n");
  const make = (...words) => execFileSync(join(target, "debug/examples/make_site"), [site, folder, ...words]);
  make("docs.test", "docs", "1");
  make("app.test", "app", "2", "shell");
  make("older.test", "older", "3", "older");
  const make2 = (from, ...words) => execFileSync(join(target, "debug/examples/make_site"), [from, folder, ...words, "limit=1500"]);
  const wide = join(folder, "wide");
  mkdirSync(wide);
  writeFileSync(join(wide, "index.html"), "home");
  for (let page = 0; page < 60; page += 1) writeFileSync(join(wide, `${page}.html`), `${page}`);
  execFileSync(join(target, "debug/examples/make_site"), [wide, folder, "sharded.test", "sharded", "6", "limit=1200"]);
  make("many.test", "many", "7", "many");
  make("two.test", "two", "4");
  mkdirSync(join(site, "_astro"));
  writeFileSync(join(site, "_astro/only-in-second.js"), "second");
  make("two-d5.test", "two", "5");
  writeFileSync(join(folder, "kv/api.test"), '{"type":"node","fc_endpoint":"https://function.test","deployment_id":9}');
  mkdirSync(join(wide, "_astro"));
  for (let script = 0; script < 60; script += 1) writeFileSync(join(wide, `_astro/${script}.js`), `${script}`);
  make2(wide, "halves.test", "halves", "10");
  writeFileSync(join(wide, "_astro/only-in-second.js"), "second");
  make2(wide, "halves-d11.test", "halves", "11");
  const pages = join(folder, "pages");
  mkdirSync(pages);
  for (const name of ["index.html", "502.html", "405.html"]) writeFileSync(join(pages, name), `own ${name}`);
  execFileSync(join(target, "debug/examples/make_site"), [pages, folder, "pages.test", "pages", "8"]);
  const geo = join(folder, "geo");
  mkdirSync(geo);
  writeFileSync(join(geo, "index.html"), "home");
  writeFileSync(join(geo, "_redirects"), "/ /zh/ 302! Country=cn\n");
  execFileSync(join(target, "debug/examples/make_site"), [geo, folder, "geo.test", "geo", "12"]);
  console.log = () => {};
});

after(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(() => {
  asked = [];
  now = 1_000_000;
  Date.now = () => now;
  answers = {};
  kv = (key) => read(join("kv", key));
  globalThis.EdgeKV = class {
    async get(key) {
      count(`kv ${key}`);
      const bytes = kv(key);
      return bytes && new Uint8Array(bytes).buffer;
    }
  };
  globalThis.fetch = async (url, init = {}) => {
    const { host, pathname } = new URL(url);
    count(`fetch ${host}${pathname}`);
    if (answers[host]) return answers[host](url, init);
    const bytes = read(join("objects", decodeURIComponent(pathname)));
    return bytes ? new Response(init.method === "HEAD" ? null : bytes) : new Response(null, { status: 404 });
  };
});

function count(what) {
  asked.push(what);
  if (asked.length > mostSubrequests) throw new Error("more sub-requests than ESA allows");
}

function read(name) {
  try {
    return readFileSync(join(folder, name));
  } catch {
    return undefined;
  }
}

/** A fresh isolate; returns a function that sends it one request and says what it answered and asked for. */
async function isolate(env = ENV) {
  const { default: routine } = await import(`../../wasm-pkg/esa.js?${(isolates += 1)}`);
  const background = [];
  const ask = async (url, init, ...rest) => {
    asked.length = 0;
    mostSubrequests = Number(env?.MIAOBU_SUBREQUESTS ?? MOST_SUBREQUESTS);
    const context = { waitUntil: (work) => background.push(work) };
    const response = await routine.fetch(new Request(`https://${url}`, init), ...(rest.length ? rest : [context, env]));
    return { status: response.status, headers: response.headers, text: await response.text(), asked: [...asked] };
  };
  return { ask, settle: () => Promise.all(background) };
}

const head = { method: "HEAD" };

test("an ordinary answer costs one fetch, and what needs no file costs nothing", async () => {
  const { ask } = await isolate();
  const first = await ask("docs.test/about");
  assert.deepEqual(first.asked, ["kv docs.test", "kv d-1", "fetch objects.test/projects/docs/1/about.html"]);
  for (const [url, init, status, fetched] of [
    ["docs.test/about", {}, 200, "about.html"],
    ["docs.test/", {}, 200, "index.html"],
    ["docs.test/nowhere", {}, 404, "404.html"],
    ["docs.test/about", { headers: { "if-none-match": first.headers.get("etag") } }, 304],
    ["docs.test/about.html", {}, 308],
    ["docs.test/about", { method: "POST" }, 405],
    ["docs.test/about", { method: "OPTIONS" }, 204],
    ["docs.test/about", { headers: { "if-match": '"other"' } }, 412],
    ["docs.test/about", { headers: { range: "bytes=99-" } }, 416],
    ["docs.test/about", head, 200],
    ["docs.test/nowhere", head, 404],
  ]) {
    const answer = await ask(url, init);
    const expected = fetched ? [`fetch objects.test/projects/docs/1/${fetched}`] : [];
    assert.deepEqual([answer.status, answer.asked], [status, expected], `${init.method} ${url}`);
  }
});

test("a platform that tells no countries is told of, once and only where a rule asks for one", async (context) => {
  const said = context.mock.method(console, "log", () => {});
  const { ask } = await isolate();
  const told = () => said.mock.calls.filter(({ arguments: [line] }) => line.includes("countries")).length;
  await ask("docs.test/about");
  assert.equal(told(), 0);
  for (let visit = 0; visit < 3; visit += 1) assert.equal((await ask("geo.test/")).status, 200);
  assert.equal(told(), 1);
});

/** Gives the record of a host other fields, at the price of its checksum. */
function amend(host, fields) {
  const { check, ...record } = JSON.parse(read(join("kv", host)));
  const bytes = Buffer.from(JSON.stringify({ ...record, ...fields }));
  const stored = kv;
  kv = (key) => (key === host ? bytes : stored(key));
}

/** The paths, of those asked for here, that cost nothing: whose files the isolate has. */
async function keptOf(ask, host, paths) {
  const kept = [];
  for (const path of paths) if ((await ask(`${host}${path}`, { headers: { range: "bytes=0-0" } })).asked.length === 0) kept.push(path);
  return kept;
}

async function askTwice({ ask, settle }, url) {
  for (let time = 0; time < 2; time += 1) await ask(url);
  await settle();
}

/** Asks until nothing is asked for in turn; what goes on after an answer takes a few turns of the event loop. */
async function untilKept(ask, url, ...rest) {
  let answer;
  for (let turn = 0; turn < 1_000 && answer?.asked.length !== 0; turn += 1) {
    await new Promise(setImmediate);
    answer = await ask(url, {}, ...rest);
  }
  assert.deepEqual(answer.asked, []);
}

test("a small file that was asked for twice costs nothing from then on, whole or in part", async () => {
  const home = await isolate(KEEPING);
  const all = ({ status, headers, text }) => [status, [...headers], text];
  for (const [path, status] of [["/about", 200], ["/nowhere", 404], ["/app.js", 200]]) {
    const url = `docs.test${path}`;
    const [first, second] = [await home.ask(url), await home.ask(url)];
    assert.deepEqual([second.status, second.asked.length], [status, 1]);
    await home.settle();
    for (let time = 0; time < 2; time += 1) {
      const hot = await home.ask(url);
      assert.deepEqual([hot.asked, all(hot)], [[], all(first)]);
    }
  }
  const part = await home.ask("docs.test/about", { headers: { range: "bytes=1-3" } });
  assert.deepEqual([part.status, part.text, part.headers.get("content-range"), part.asked], [206, "bou", "bytes 1-3/10", []]);
  const last = await home.ask("docs.test/about", { headers: { range: "bytes=-4" } });
  assert.deepEqual([last.text, last.asked], ["html", []]);
});

test("what is asked for once, in parts or too long, or comes in another length or not at all, is not kept", async () => {
  const home = await isolate(KEEPING);
  await home.ask("docs.test/about");
  for (let time = 0; time < 2; time += 1) await home.ask("docs.test/app.js", { headers: { range: "bytes=0-3" } });
  await askTwice(home, "docs.test/large.bin");
  const objects = answers["objects.test"];
  for (const body of ["short", "longer than it should be", ""]) {
    answers["objects.test"] = () => new Response(body);
    await askTwice(home, "docs.test/");
  }
  answers["objects.test"] = () => new Response("<Error>", { status: 500 });
  await askTwice(home, "docs.test/");
  answers["objects.test"] = () => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) }));
  for (let time = 0; time < 2; time += 1) await assert.rejects(home.ask("docs.test/"));
  await home.settle();
  answers["objects.test"] = objects;
  assert.deepEqual(await keptOf(home.ask, "docs.test", ["/about", "/app.js", "/large.bin", "/"]), []);
});

test("while a file is being kept, nobody else keeps it", async () => {
  const { ask, settle } = await isolate(KEEPING);
  await ask("docs.test/about");
  let copies = 0;
  answers["objects.test"] = () => {
    const response = new Response("about.html");
    const { body } = response;
    const tee = body.tee.bind(body);
    body.tee = () => {
      copies += 1;
      return tee();
    };
    return response;
  };
  const texts = await Promise.all(Array.from({ length: 20 }, async () => (await ask("docs.test/about")).text));
  assert.deepEqual([copies, new Set(texts).size], [1, 1]);
  await settle();
  assert.deepEqual((await ask("docs.test/about")).asked, []);
});

test("a copy that a runtime dropped in the middle is made by a later request", async () => {
  const home = await isolate(KEEPING);
  await home.ask("docs.test/about");
  answers["objects.test"] = () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("about")) }));
  const asking = home.ask("docs.test/about");
  asking.catch(() => {});
  await new Promise(setImmediate);
  delete answers["objects.test"];
  await home.ask("docs.test/about");
  assert.deepEqual((await home.ask("docs.test/about")).asked.length, 1);
  now += 10_001;
  await untilKept(home.ask, "docs.test/about");
});

test("an isolate keeps files up to its bound, and those asked for lately", async () => {
  const pages = Array.from({ length: 60 }, (_, page) => `/${page}`);
  // Each takes some 600 bytes.
  const home = await isolate({ ...KEEPING, MIAOBU_HOT_BODIES: "0.01" });
  for (const page of pages) {
    await askTwice(home, `sharded.test${page}`);
    await home.ask("sharded.test/0");
  }
  const kept = await keptOf(home.ask, "sharded.test", pages);
  assert.ok(kept.length >= 10 && kept.length <= 20, `${kept.length} kept`);
  assert.deepEqual(kept, ["/0", ...pages.slice(1 - kept.length)]);
  for (const megabytes of ["0", "none", "-1"]) {
    const other = await isolate({ ...KEEPING, MIAOBU_HOT_BODIES: megabytes });
    for (let time = 0; time < 4; time += 1) {
      assert.equal((await other.ask("docs.test/about")).asked.at(-1), "fetch objects.test/projects/docs/1/about.html");
      await other.settle();
    }
  }
});

test("only files in a folder that is named by its deployment are kept", async () => {
  amend("docs.test", { oss_path: "projects/docs/current" });
  answers["objects.test"] = () => new Response("about.html");
  const home = await isolate(KEEPING);
  await askTwice(home, "docs.test/about");
  assert.deepEqual((await home.ask("docs.test/about")).asked, ["fetch objects.test/projects/docs/current/about.html"]);
  await askTwice(home, "older.test/about");
  assert.ok((await home.ask("older.test/about")).asked.length > 0);
});

test("a file is kept where the runtime gives no context as well", async () => {
  const { ask } = await isolate(KEEPING);
  await untilKept(ask, "docs.test/about", KEEPING);
});

test("a protected site costs nothing until it is opened, then what it costs otherwise", async () => {
  const bypass = createHash("sha256").update("token").digest("hex");
  amend("docs.test", { protection: `${"07".repeat(32)} - - ${bypass}` });
  const { ask } = await isolate();
  await ask("docs.test/");
  assert.deepEqual([(await ask("docs.test/about")).status, (await ask("docs.test/about")).asked], [401, []]);
  const opened = await ask("docs.test/about", { headers: { "x-miaobu-bypass": "token" } });
  assert.deepEqual([opened.status, opened.asked], [200, ["fetch objects.test/projects/docs/1/about.html"]]);
});

test("a split and pins read the site of each deployment once", async () => {
  amend("two.test", { split: "5 d-5 5000 1", pins: `5 d-5 ${2 ** 40}` });
  const { ask } = await isolate();
  const side = (lot) => ({ headers: { cookie: `__miaobu_split=${lot}` } });
  const costs = [];
  for (const init of [side(5_000), side(0), side(5_000), side(0), { headers: { "x-deployment-id": "5", accept: "*/*" } }, side(5_000)]) {
    const { headers, asked } = await ask("two.test/about", init);
    costs.push(`${headers.get("x-miaobu-deployment")}: ${asked.length}`);
  }
  assert.deepEqual(costs, ["5: 3", "4: 2", "5: 1", "4: 1", "5: 1", "5: 1"]);
  // A hashed file that the visitor's side lacks is looked for on the other.
  const fresh = await isolate();
  const { status, asked } = await fresh.ask("two.test/_astro/only-in-second.js", side(0));
  assert.deepEqual([status, asked.length, asked.at(-1)], [200, 4, "fetch objects.test/projects/two/5/_astro/only-in-second.js"]);
  assert.equal((await fresh.ask("two.test/_astro/nowhere.js", side(0))).asked.length, 1);
});

test("the sides of a split and pins find what lies in their shards", async () => {
  amend("halves.test", { split: "11 d-11 5000 1", pins: `11 d-11 ${2 ** 40}` });
  const sides = new Map([0, 5_000].map((lot) => [lot, { headers: { cookie: `__miaobu_split=${lot}` } }]));
  const side = (lot) => sides.get(lot);
  const pin = { headers: { "x-deployment-id": "11", accept: "*/*" } };
  const deployment = async (ask, path, init) => {
    const { status, headers, text } = await ask(`halves.test${path}`, init);
    return `${status} ${headers.get("x-miaobu-deployment")} ${text}`;
  };
  for (const [path, init, expected] of [
    ["/7", side(5_000), "200 11 7"],
    ["/7", side(0), "200 10 7"],
    ["/7", pin, "200 11 7"],
    ["/_astro/7.js", side(0), "200 10 7"],
    ["/_astro/only-in-second.js", side(5_000), "200 11 second"],
    ["/_astro/only-in-second.js", side(0), "200 11 second"],
    ["/_astro/only-in-second.js", pin, "200 11 second"],
  ]) {
    // Cold, then with whatever the one before left in memory.
    const { ask } = await isolate({ ...ENV, MIAOBU_SUBREQUESTS: "8" });
    for (let time = 0; time < 3; time += 1) assert.equal(await deployment(ask, path, init), expected, path);
    assert.equal((await ask(`halves.test${path}`, init)).asked.length, 1, path);
    // What takes more than a request may ask for is known in part by the next one.
    const { ask: bounded } = await isolate();
    const first = await bounded(`halves.test${path}`, init);
    if (first.status === 503) assert.deepEqual([first.headers.get("retry-after"), first.asked.length], ["5", MOST_SUBREQUESTS]);
    assert.equal(first.status === 503, init === side(0) && path.includes("only"), path);
    assert.equal(await deployment(bounded, path, init), expected, path);
  }
  const working = kv;
  kv = (key) => (key.startsWith("d-11-") ? undefined : working(key));
  answers["objects.test"] = (url) => {
    const bytes = url.includes(".shards") ? undefined : read(join("objects", new URL(url).pathname));
    return new Response(bytes, { status: bytes ? 200 : 404 });
  };
  const { ask } = await isolate();
  await ask("halves.test/", side(0));
  assert.match(await deployment(ask, "/_astro/only-in-second.js", side(0)), /^404 10 /);
});

test("a record that changes while the site of a variant is read gives an answer all the same", async () => {
  amend("two.test", { split: "5 d-5 10000 1" });
  // What all of them ask for is counted as one request's.
  const { ask } = await isolate({ ...ENV, MIAOBU_SUBREQUESTS: "100" });
  await ask("two.test/");
  const answersOf = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(`two.test/about?${index}`)));
  now += 20_000;
  const later = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(`two.test/about?${index}`)));
  for (const { status, headers } of [...answersOf, ...later]) assert.deepEqual([status, headers.get("x-miaobu-deployment")], [200, "5"]);
});

test("the shell costs one fetch", async () => {
  const { ask } = await isolate();
  await ask("app.test/");
  const { status, text, asked } = await ask("app.test/users/1");
  assert.deepEqual([status, text, asked.length], [200, "index.html", 1]);
});

test("a site that has not reached KV is read from its copy, within four sub-requests", async () => {
  kv = (key) => (key === "d-1" ? undefined : read(join("kv", key)));
  const { ask } = await isolate();
  const { status, asked } = await ask("docs.test/about");
  assert.deepEqual([status, asked.length, asked[2]], [200, 4, "fetch objects.test/projects/docs/1.site"]);
});

test("a site in shards costs one read more where its files are asked for first, and none later", async () => {
  const { ask, settle } = await isolate();
  // The copy of the shard is there before the record is, so that one question is enough where four have to be.
  const first = await ask("many.test/many/1.txt");
  assert.deepEqual([first.status, first.text], [200, "1"]);
  assert.deepEqual(first.asked, ["kv many.test", "kv d-7", "fetch objects.test/projects/many/7.shards/d-7-1", "fetch objects.test/projects/many/7/many/1.txt"]);
  await ask("many.test/many/2.txt");
  for (const [path, status, asked] of [
    ["/many/1.txt", 200, ["fetch objects.test/projects/many/7/many/1.txt"]],
    ["/many/10000.txt", 200, ["fetch objects.test/projects/many/7/many/10000.txt"]],
    ["/old/4321", 301, []],
    ["/old/none", 302, []],
    ["/show/2", 200, ["fetch objects.test/projects/many/7/many/2.txt"]],
    ["/nowhere", 404, ["fetch objects.test/projects/many/7/404.html"]],
  ]) {
    await ask(`many.test${path}`);
    const again = await ask(`many.test${path}`);
    assert.deepEqual([path, again.status, again.asked], [path, status, asked]);
  }
  now += 5_000;
  assert.deepEqual((await ask("many.test/old/1")).asked, ["kv many.test"]);
  await settle();
});

test("a rule that leads into another shard costs one more, and a cold isolate asks for it to be tried again", async () => {
  for (const [settings, statuses] of [[{}, [503, 200, 200]], [{ MIAOBU_SUBREQUESTS: "5" }, [200, 200, 200]]]) {
    const { ask } = await isolate({ ...ENV, ...settings });
    const costs = [];
    for (const status of statuses) {
      const answer = await ask("many.test/show/2");
      assert.equal(answer.status, status);
      if (status === 503) assert.deepEqual([answer.headers.get("retry-after"), answer.headers.get("cache-control")], ["5", "no-store"]);
      costs.push(answer.asked.length);
    }
    assert.deepEqual(costs, statuses[0] === 503 ? [4, 1, 1] : [5, 1, 1]);
  }
});

test("a shard comes from KV, else from its copy, else the answer is 503 with Retry-After and the next one asks again", async () => {
  const working = kv;
  const { ask } = await isolate();
  await ask("sharded.test/");
  const reads = ({ asked }) => asked.filter((what) => what.includes("d-6-"));
  assert.deepEqual(reads(await ask("sharded.test/7")).map((what) => what.slice(0, 6)), ["kv d-6"]);
  kv = (key) => (key.startsWith("d-6-") ? undefined : working(key));
  const { ask: other } = await isolate();
  await other("sharded.test/");
  const copied = await other("sharded.test/7");
  assert.deepEqual([copied.status, reads(copied).length, copied.asked.length], [200, 2, 3]);
  kv = (key) => {
    if (key.startsWith("d-6-")) throw new Error("down");
    return working(key);
  };
  const { ask: third } = await isolate();
  await third("sharded.test/");
  answers["objects.test"] = () => new Response(null, { status: 500 });
  const { status, headers } = await third("sharded.test/7");
  assert.deepEqual([status, headers.get("retry-after"), headers.get("cache-control")], [503, "5", "no-store"]);
  delete answers["objects.test"];
  assert.equal((await third("sharded.test/7")).status, 200);
});

test("the shard of another deployment is not taken", async () => {
  const working = kv;
  kv = (key) => working(key.startsWith("d-6-") ? "d-7-0" : key);
  const { ask } = await isolate();
  await ask("sharded.test/");
  const { status, asked } = await ask("sharded.test/7");
  assert.deepEqual([status, asked.length], [200, 3]);
});

test("the stand-in for the runtime refuses a fifth sub-request", async () => {
  const { execute, install } = await import("./homes/standin.mjs");
  install("http://127.0.0.1:1/kv", true);
  const routine = {
    async fetch() {
      const store = new EdgeKV({ namespace: "miaobu" });
      const results = [];
      for (let count = 0; count < 5; count += 1) {
        const ask = count === 0 ? store.get("a", { type: "text" }) : Promise.resolve(fetch("http://elsewhere.test/"));
        results.push(await ask.then(() => "answered", (error) => error.message));
      }
      return new Response(results.join("\n"));
    },
  };
  const response = await execute(routine, new Request("http://a.test/"), {});
  assert.equal(response.headers.get("x-subrequests"), "kv=1 fetch=3");
  assert.match(await response.text(), /^[^\n]*\nanswered\nanswered\nanswered\nmore sub-requests than ESA allows$/);
});

test("an older record is probed within four sub-requests", async () => {
  const { ask } = await isolate();
  const { status, text, asked } = await ask("older.test/users/1");
  assert.deepEqual([status, text, asked.length], [200, "index.html", 4]);
});

test("a site that can't be read is not asked for again at once", async () => {
  kv = (key) => (key === "docs.test" ? read("kv/docs.test") : undefined);
  answers["objects.test"] = () => new Response(null, { status: 500 });
  const { ask } = await isolate();
  assert.deepEqual([(await ask("docs.test/")).status, (await ask("docs.test/")).asked.length], [503, 0]);
  now += 1_500;
  assert.equal((await ask("docs.test/")).asked.length > 0, true);
});

test("without KV and without an earlier record the answer is 503 with Retry-After, until KV is back", async () => {
  const working = kv;
  kv = () => {
    throw new Error("down");
  };
  const { ask } = await isolate();
  const { status, headers } = await ask("docs.test/");
  assert.deepEqual([status, headers.get("retry-after")], [503, "5"]);
  kv = working;
  now += 1_500;
  assert.equal((await ask("docs.test/")).status, 200);
});

test("without KV an earlier record stands in for as long as it takes", async () => {
  const { ask } = await isolate();
  await ask("docs.test/");
  kv = () => {
    throw new Error("down");
  };
  for (const minutes of [1, 60]) {
    now += minutes * 60_000;
    assert.equal((await ask("docs.test/")).status, 200);
  }
});

test("a record that KV lacks all at once stands in for five minutes, then the host is unknown", async () => {
  const working = kv;
  const { ask } = await isolate();
  await ask("docs.test/");
  kv = (key) => (key === "docs.test" ? undefined : working(key));
  for (let seconds = 0; seconds < 300; seconds += 50) {
    now += 50_000;
    assert.equal((await ask("docs.test/about")).text, "about.html");
    if (seconds !== 100) continue;
    // Once it is back, the time begins anew.
    kv = working;
    now += 50_000;
    assert.equal((await ask("docs.test/about")).status, 200);
    kv = (key) => (key === "docs.test" ? undefined : working(key));
  }
  now += 300_000;
  assert.equal((await ask("docs.test/about")).status, 421);
  kv = working;
  now += 2_100;
  assert.equal((await ask("docs.test/about")).status, 200);
});

test("an address of 100 KB is refused at no cost, and a hundred KB of fields change nothing", async () => {
  const { ask } = await isolate();
  await ask("docs.test/");
  for (const target of [`/${"a".repeat(100_000)}`, `/about?${"q".repeat(100_000)}`]) {
    const { status, asked } = await ask(`docs.test${target}`);
    assert.deepEqual([status, asked], [414, []], target.slice(0, 20));
  }
  const headers = new Headers();
  for (let field = 0; field < 1_000; field += 1) headers.append(`x-${field}`, "v".repeat(100));
  const { status, text, asked } = await ask("docs.test/about", { headers });
  assert.deepEqual([status, text, asked.length], [200, "about.html", 1]);
});

test("a host that KV never had is unknown", async () => {
  const { ask } = await isolate();
  const { status, asked } = await ask("nobody.test/");
  assert.deepEqual([status, asked], [421, ["kv nobody.test"]]);
});

test("while KV is stale after a flip, the old record leads to the old deployment, whole", async () => {
  const stale = read("kv/two.test");
  const flipped = read("kv/two-d5.test");
  const { ask, settle } = await isolate();
  kv = (key) => (key === "two.test" ? stale : read(join("kv", key)));
  for (let seconds = 0; seconds <= 300; seconds += 60) {
    const page = await ask("two.test/about");
    assert.deepEqual([page.status, page.headers.get("x-miaobu-deployment")], [200, "4"]);
    assert.deepEqual(page.asked.filter((line) => line.startsWith("fetch") && !line.includes("/projects/two/4/")), []);
    assert.equal((await ask("two.test/_astro/only-in-second.js")).status, 404);
    now += 60_000;
  }
  kv = (key) => (key === "two.test" ? flipped : read(join("kv", key)));
  await ask("two.test/about");
  await settle();
  assert.equal((await ask("two.test/about")).headers.get("x-miaobu-deployment"), "5");
  assert.equal((await ask("two.test/_astro/only-in-second.js")).status, 200);
});

test("a record is used for two seconds, then read anew in the background", async () => {
  const { ask, settle } = await isolate();
  await ask("docs.test/");
  kv = (key) => read(join("kv", key === "docs.test" ? "app.test" : key));
  now += 1_900;
  assert.deepEqual((await ask("docs.test/about")).asked.length, 1);
  now += 200;
  assert.equal((await ask("docs.test/about")).headers.get("x-miaobu-deployment"), "1");
  await settle();
  assert.equal((await ask("docs.test/about")).headers.get("x-miaobu-deployment"), "2");
});

test("a record that was not asked for lately is read before the answer", async () => {
  const { ask } = await isolate();
  await ask("docs.test/");
  kv = (key) => read(join("kv", key === "docs.test" ? "app.test" : key));
  now += 10_100;
  assert.equal((await ask("docs.test/about")).headers.get("x-miaobu-deployment"), "2");
});

test("env is found in each place where a runtime puts it", async () => {
  const context = { waitUntil() {} };
  for (const order of [[context, ENV], [ENV, context], [ENV], [{}, ENV], [undefined, ENV]]) {
    const { ask } = await isolate();
    assert.equal((await ask("docs.test/", {}, ...order)).status, 200);
  }
});

test("storage that fails or lacks a file gives a page of ours", async () => {
  const { ask } = await isolate();
  await ask("docs.test/");
  for (const [answer, code] of [
    [() => new Response("<Error>", { status: 500 }), "storage_unavailable"],
    [() => Promise.reject(new TypeError("network")), "storage_unavailable"],
    [() => new Response("<Error>", { status: 404 }), "object_missing"],
    [() => new Response("<Error>", { status: 403 }), "object_missing"],
  ]) {
    answers["objects.test"] = answer;
    const { status, text, headers } = await ask("docs.test/about");
    assert.deepEqual([status, text.includes(code), headers.get("x-miaobu-deployment")], [502, true, "1"]);
  }
});

test("a function gets the request without what only we may say, and its answer passes", async () => {
  let sent;
  answers["function.test"] = async (url, init) => {
    sent = { url, method: init.method, headers: Object.fromEntries(init.headers), body: await new Response(init.body).text() };
    const headers = [["set-cookie", "a=1"], ["set-cookie", "b=2"], ["x-miaobu-deployment", "forged"], ["content-type", "text/plain"]];
    return new Response("made", { status: 201, headers });
  };
  const { ask } = await isolate();
  const headers = { "x-forwarded-for": "6.6.6.6", "x-real-ip": "6.6.6.6", "x-own": "kept" };
  const { status, text, headers: answered } = await ask("api.test/a//b?c=%20", { method: "POST", body: "body", headers, duplex: "half" });
  assert.deepEqual([status, text, answered.getSetCookie(), answered.get("x-miaobu-deployment")], [201, "made", ["a=1", "b=2"], "9"]);
  assert.equal(sent.url, "https://function.test/a//b?c=%20");
  assert.deepEqual([sent.method, sent.body, sent.headers["x-own"]], ["POST", "body", "kept"]);
  assert.deepEqual(
    ["x-forwarded-for", "x-real-ip", "x-forwarded-host", "x-forwarded-proto"].map((name) => sent.headers[name]),
    [undefined, undefined, "api.test", "https"],
  );
});

test("a function that fails is answered for, in the form asked for and with the request's id", async () => {
  const { ask } = await isolate();
  const env = [{ waitUntil() {} }, { ...ENV, MIAOBU_FUNCTION_TIMEOUT: "20" }];
  for (const [answer, code, expected] of [
    [() => Promise.reject(new TypeError("network")), 502, "function_unreachable"],
    [() => new Promise(() => {}), 504, "function_timed_out"],
  ]) {
    answers["function.test"] = answer;
    const { status, headers, text } = await ask("api.test/", { headers: { accept: "application/json" } }, ...env);
    const id = headers.get("x-miaobu-request-id");
    assert.match(id, /^[0-9a-f]{16}$/);
    assert.deepEqual([status, JSON.parse(text).code, JSON.parse(text).request_id], [code, expected, id]);
    assert.match((await ask("api.test/", { headers: { accept: "text/html" } }, ...env)).text, /^<!doctype html>/);
  }
});

test("a function is told the id that a page about its failure names", async () => {
  let told;
  answers["function.test"] = (url, init) => {
    told = init.headers.get("x-miaobu-request-id");
    throw new TypeError("network");
  };
  const { ask } = await isolate();
  const { headers } = await ask("api.test/", { headers: { "x-miaobu-request-id": "forged" } });
  assert.equal(headers.get("x-miaobu-request-id"), told);
});

test("names that frameworks take for ours do not reach a function, in either spelling", async () => {
  let sent;
  answers["function.test"] = (url, init) => {
    sent = Object.fromEntries(init.headers);
    return new Response("");
  };
  const { ask } = await isolate();
  const headers = { "X_Forwarded-For": "6.6.6.6", "x-real_ip": "6.6.6.6", "x-forwarded-prefix": "/x", own_name: "kept", forwarded: "for=6.6.6.6" };
  await ask("api.test/", { headers });
  assert.equal(sent.own_name, "kept");
  assert.equal(sent.forwarded, 'host="api.test";proto=https');
  assert.deepEqual(Object.keys(sent).filter((name) => /for$|_ip|prefix/.test(name)), []);
});

test("a foreign picture that is none is not shown", async () => {
  const { ask } = await isolate();
  for (const [type, status] of [["text/html", 403], ["image/png", 200]]) {
    answers["function.test"] = () => new Response("<script>", { headers: { "content-type": type } });
    const answer = await ask("api.test/_next/image?url=https%3A%2F%2Fother.test%2Fx");
    assert.deepEqual([answer.status, answer.text === "<script>"], [status, status === 200]);
  }
  assert.deepEqual((await ask("api.test/_image?href=//other.test/x")).asked, []);
  const picture = { headers: { "sec-fetch-dest": "image" } };
  assert.equal((await ask("api.test/_image?href=//other.test/x", picture)).status, 200);
});

test("a WebSocket is passed on where the runtime can", async () => {
  let sent;
  answers["function.test"] = (url, init) => {
    sent = init.headers.get("upgrade");
    return new Response("");
  };
  const { ask } = await isolate();
  await ask("api.test/", { headers: { upgrade: "WebSocket" } });
  assert.equal(sent, "websocket");
  await ask("api.test/", { headers: { upgrade: "h2c" } });
  assert.equal(sent, null);
});

test("what few requests need is loaded with the first of them, and what can't be costs only them", async () => {
  let loaded = 0;
  let refused = false;
  WebAssembly.Instance = function (module, imports) {
    if (!imports?.first) return new INSTANCE(module, imports);
    if (refused) throw new WebAssembly.CompileError("code generation disallowed by embedder");
    loaded += 1;
    return new INSTANCE(module, imports);
  };
  try {
    const { ask } = await isolate();
    const { headers } = await ask("docs.test/about");
    const again = { headers: { "if-none-match": headers.get("etag"), "accept-encoding": "gzip" } };
    for (const init of [{}, head, again]) for (const path of ["", "about", "app.js?v=1"]) await ask(`docs.test/${path}`, init);
    assert.equal((await ask("docs.test/about", again)).status, 304);
    assert.equal(loaded, 0);
    const moved = await Promise.all([ask("docs.test/old/page"), ask("docs.test/about.html"), ask("docs.test/old/page")]);
    assert.deepEqual(moved.map((answer) => answer.headers.get("location")), ["/about", "/about", "/about"]);
    assert.equal(loaded, 1);
    answers["function.test"] = async () => new Response("from the function");
    for (let time = 0; time < 2; time += 1) assert.equal((await ask("api.test/")).text, "from the function");
    assert.equal((await ask("older.test/about")).status, 200);
    assert.equal(loaded, 1);
    refused = true;
    const other = await isolate();
    assert.equal((await other.ask("docs.test/")).status, 200);
    assert.equal((await other.ask("api.test/")).status, 500);
    assert.equal((await other.ask("docs.test/")).status, 200);
    refused = false;
    assert.equal((await other.ask("api.test/")).text, "from the function");
  } finally {
    WebAssembly.Instance = INSTANCE;
  }
});

test("a runtime that compiles nothing later has everything compiled at the start", async () => {
  globalThis.miaobu = { MIAOBU_COMPILE: "early" };
  const { Module } = WebAssembly;
  const { ask } = await isolate();
  WebAssembly.Module = function () {
    throw new WebAssembly.CompileError("code generation disallowed by embedder");
  };
  try {
    answers["function.test"] = async () => new Response("from the function");
    assert.equal((await ask("api.test/")).text, "from the function");
  } finally {
    WebAssembly.Module = Module;
    delete globalThis.miaobu;
  }
});

test("a trap costs one request, and is counted", async (context) => {
  const said = context.mock.method(console, "log", () => {});
  let trap = false;
  WebAssembly.Instance = function (module, imports) {
    const { exports } = new INSTANCE(module, imports);
    const guarded = (act) => (...words) => {
      if (trap) throw new WebAssembly.RuntimeError("unreachable");
      return act(...words);
    };
    return { exports: { ...exports, decide: guarded(exports.decide), ordinary: guarded(exports.ordinary) } };
  };
  try {
    const { ask } = await isolate();
    await ask("docs.test/");
    for (const number of [1, 2]) {
      trap = true;
      assert.equal((await ask("docs.test/about")).status, 500);
      assert.match(said.mock.calls.at(-1).arguments[0], new RegExp(`^miaobu: trap ${number} of this isolate: `));
      trap = false;
      assert.equal((await ask("docs.test/")).status, 200);
    }
  } finally {
    WebAssembly.Instance = INSTANCE;
  }
});

test("a trap costs no request but its own, even among those that were under way", async () => {
  WebAssembly.Instance = function (module, imports) {
    const { exports } = new INSTANCE(module, imports);
    let trapped = false;
    const guard = (act) => (...words) => {
      trapped ||= act === exports.fail;
      if (trapped) throw new WebAssembly.RuntimeError("unreachable");
      return act(...words);
    };
    const guarded = Object.entries(exports).map(([name, value]) => [name, typeof value === "function" ? guard(value) : value]);
    return { exports: Object.fromEntries(guarded) };
  };
  try {
    const { ask } = await isolate();
    await ask("docs.test/");
    answers["objects.test"] = () => new Response(null, { status: 500 });
    // The first waits for its record while the second traps.
    const waiting = ask("app.test/about", head);
    assert.equal((await ask("docs.test/about")).status, 500);
    assert.equal((await waiting).status, 200);
    assert.equal((await ask("docs.test/", head)).status, 200);
  } finally {
    WebAssembly.Instance = INSTANCE;
  }
});

test("a failure costs one fetch for the site's own page, and where that fails too, ours takes its place", async () => {
  amend("pages.test", { type: "node", fc_endpoint: "https://function.test" });
  answers["function.test"] = () => Promise.reject(new TypeError("network"));
  const { ask } = await isolate();
  await ask("pages.test/", head);
  const page = "fetch objects.test/projects/pages/8/502.html";
  const failed = await ask("pages.test/api", { method: "POST" });
  assert.deepEqual([failed.status, failed.text, failed.asked], [502, "own 502.html", ["fetch function.test/api", page]]);
  const { "cache-control": cache, "content-length": length, "content-type": type, etag } = Object.fromEntries(failed.headers);
  assert.deepEqual([cache, length, type, etag], ["no-store", "12", "text/html; charset=utf-8", undefined]);
  assert.match(failed.headers.get("x-miaobu-request-id"), /^[0-9a-f]{16}$/);
  const program = await ask("pages.test/api", { headers: { accept: "application/json" } });
  assert.deepEqual([program.status, JSON.parse(program.text).code, program.asked.length], [502, "function_unreachable", 1]);
  const refused = await ask("pages.test/", { method: "POST" });
  assert.deepEqual([refused.status, refused.text, refused.headers.get("allow"), refused.asked.length], [405, "own 405.html", "GET, HEAD", 1]);
  answers["objects.test"] = () => new Response("<Error>", { status: 404 });
  const again = await ask("pages.test/api");
  assert.deepEqual([again.status, again.text.includes("function_unreachable"), again.asked], [502, true, ["fetch function.test/api", page]]);
  const lost = await ask("pages.test/");
  assert.deepEqual([lost.status, lost.text.includes("object_missing"), lost.asked.length], [502, true, 2]);
  answers["objects.test"] = () => new Response("<Error>", { status: 500 });
  const down = await ask("pages.test/");
  assert.deepEqual([down.status, down.text.includes("storage_unavailable"), down.asked.length], [502, true, 1]);
});

/** Holds back what KV gives for a key until told. */
function hold(key) {
  const stored = globalThis.EdgeKV.prototype.get;
  let release;
  const held = new Promise((resolve) => (release = resolve));
  globalThis.EdgeKV.prototype.get = async function (asked) {
    if (asked === key) await held;
    return stored.call(this, asked);
  };
  return release;
}

test("a record that changes while a site is read for it leads to its new answer", async () => {
  amend("two.test", { split: "5 d-5 10000 1" });
  const splits = kv;
  for (const [change, expected] of [
    [(key) => (key === "two.test" ? read("kv/docs.test") : splits(key)), [200, "1"]],
    [(key) => (key === "two.test" ? Buffer.from("{") : splits(key)), [500, null]],
  ]) {
    kv = splits;
    const release = hold("d-5");
    const { ask } = await isolate();
    const waiting = ask("two.test/about");
    await Promise.resolve();
    await new Promise(setImmediate);
    kv = change;
    now += 20_000;
    const other = await ask("two.test/", head);
    release();
    const { status, headers } = await waiting;
    assert.deepEqual([status, headers.get("x-miaobu-deployment")], expected);
    assert.deepEqual([other.status, other.headers.get("x-miaobu-deployment")], expected);
  }
});
