// What the shim remembers of ordinary requests: that it is right, that it ends, and that it is used.
//
//     node --test edge/tests/remembered.mjs

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { USUAL_ENCODINGS } from "../shim/core.js";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const ENV = { MIAOBU_OBJECTS_URL: "https://objects.test", MIAOBU_HOT_BODIES: "0" };
const INSTANCE = WebAssembly.Instance;
/** The flag by which the shim has the core say what a file is served with, which it asks for once an answer. */
const FLAG_TELL = 1 << 7;
/** The flag by which it has the core decide what is no file at a glance. */
const FLAG_FURTHER = 1 << 8;
/** As many targets and as many answers as the shim keeps. */
const MOST = 4_096;
const FILES = 1_100;

let folder;
let now;
let calls;
let nameOf;
let isolates = 0;

before(() => {
  const target = process.env.CARGO_TARGET_DIR ?? join(workspace, "target");
  execFileSync("cargo", ["build", "--quiet", "-p", "miaobu-edge", "--features", "build", "--examples"], { cwd: workspace, stdio: "inherit" });
  folder = mkdtempSync(join(tmpdir(), "miaobu-remembered-"));
  const site = join(folder, "site");
  mkdirSync(site);
  for (const name of ["index.html", "about.html", "404.html", "app.js"]) writeFileSync(join(site, name), name.repeat(300));
  const rules = ["/old/* /about 301", "/kept /app.js?q=:q 302", "/home https://docs.test/about 301", "/home2 https://DOCS.test/app.js 301", "/away https://other.test/about 301"];
  writeFileSync(join(site, "_redirects"), `${rules.join("\n")}\n`);
  writeFileSync(join(site, "_headers"), "/old/a*\n  X-A: 1\n/no*\n  X-B: 2\n");
  const make = (from, ...words) => execFileSync(join(target, "debug/examples/make_site"), [from, folder, ...words]);
  make(site, "docs.test", "docs", "1", "coded");
  make(site, "other.test", "docs", "2", "coded");
  make(site, "tls.test", "docs", "4", "coded", "hsts");
  const large = join(folder, "large");
  mkdirSync(large);
  for (let file = 0; file < FILES; file += 1) writeFileSync(join(large, `${file}.txt`), `${file}`);
  make(large, "large.test", "large", "3");
  console.log = () => {};
});

after(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(() => {
  now = 1_000_000;
  Date.now = () => now;
  calls = { further: 0, told: 0 };
  globalThis.EdgeKV = class {
    async get(key) {
      return new Uint8Array(readFileSync(join(folder, "kv", nameOf(key)))).buffer;
    }
  };
  nameOf = (key) => key;
  globalThis.fetch = async (url, { headers }) => new Response("body", { status: new Headers(headers).has("range") ? 206 : 200 });
});

/** A fresh isolate, whose calls of the core are counted. */
async function isolate() {
  WebAssembly.Instance = function (module, imports) {
    const { exports } = new INSTANCE(module, imports);
    const ordinary = (...words) => {
      if (words[3] & FLAG_FURTHER) calls.further += 1;
      if (words[3] & FLAG_TELL) calls.told += 1;
      return exports.ordinary(...words);
    };
    return { exports: { ...exports, ordinary } };
  };
  try {
    const { default: routine } = await import(`../../wasm-pkg/esa.js?remembered-${(isolates += 1)}`);
    const background = [];
    const context = { waitUntil: (work) => background.push(work) };
    const ask = async (url, init) => {
      const { status, headers } = await routine.fetch(new Request(url, init), context, ENV);
      return { status, headers: Object.fromEntries(headers) };
    };
    return { ask, settle: () => Promise.all(background) };
  } finally {
    WebAssembly.Instance = INSTANCE;
  }
}

const URLS = ["/about", "/about?v=1", "/app.js", "/about.html", "/old/x", "/old/a?q=1", "/kept?q=2", "/nowhere", "/home", "/home2", "/away", "/away?q", "/%61bout"];

test("a remembered answer is the one that a fresh isolate gives, whatever else was asked in between", async () => {
  const { ask } = await isolate();
  const tag = (await ask("https://docs.test/about")).headers.etag;
  const coded = (await ask("https://docs.test/about", { headers: { "accept-encoding": "br" } })).headers.etag;
  const inits = [
    {}, { method: "HEAD" }, { headers: { "accept-encoding": "br" } }, { headers: { "accept-encoding": "gzip;q=0.5, br;q=0.1" } },
    { headers: { "if-none-match": tag } }, { headers: { "if-none-match": coded, "accept-encoding": "br" } },
    { headers: { "if-none-match": coded } }, { headers: { range: "bytes=0-3" } }, { headers: { "if-match": '"other"' } }, { method: "POST" },
    { headers: { "if-modified-since": "Thu, 01 Jan 2026 00:00:00 GMT" } }, { headers: { "accept-encoding": "identity;q=0" } },
  ];
  for (let time = 0; time < 3; time += 1) {
    for (const origin of ["https://docs.test", "http://docs.test", "https://other.test", "https://tls.test", "http://tls.test"]) {
      for (const url of URLS) {
        for (const init of inits) {
          const known = await ask(origin + url, init);
          if (time < 2) continue;
          const fresh = await (await isolate()).ask(origin + url, init);
          assert.deepEqual(known, fresh, `${origin}${url} ${JSON.stringify(init)}`);
          const stays = origin === "https://tls.test" ? "max-age=31536000" : undefined;
          assert.equal(known.headers["strict-transport-security"], stays, `${origin}${url} ${JSON.stringify(init)}`);
        }
      }
    }
  }
});

test("a URL that was asked for before takes no more than a glance", async () => {
  const { ask } = await isolate();
  for (const url of URLS) for (let time = 0; time < 3; time += 1) await ask(`https://docs.test${url}`);
  assert.ok(calls.further > 0);
  calls.further = calls.told = 0;
  for (const url of URLS.filter((url) => !url.startsWith("/home"))) await ask(`https://docs.test${url}`);
  assert.deepEqual(calls, { further: 0, told: 0 });
});

test("a redirect to the own host is one to a path, and one to another host is not", async () => {
  const { ask } = await isolate();
  for (let time = 0; time < 3; time += 1) {
    for (const [url, location] of [
      ["https://docs.test/home", "/about"], ["https://docs.test/home2", "/app.js"], ["https://docs.test/away", "https://other.test/about"],
      ["http://docs.test/home", "https://docs.test/about"], ["https://other.test/home", "https://docs.test/about"], ["https://other.test/away", "/about"],
    ]) {
      assert.equal((await ask(url)).headers.location, location, url);
    }
  }
});

test("texts that are no tag of ours are held against the file as they stand", async () => {
  const { ask } = await isolate();
  const { etag } = (await ask("https://docs.test/app.js")).headers;
  const bare = etag.slice(1, -1);
  for (const [text, status] of [
    [etag, 304], [`W/${etag}`, 304], ["*", 304], [`"x", ${etag}`, 304], [`${etag},`, 304], [` ${etag} `, 304], [`W/"x",W/${etag}`, 304],
    [bare, 200], [`"${bare}`, 200], [`w/${etag}`, 200], [`"${bare.toUpperCase()}x"`, 200], [`"${bare}-br"`, 200], [`"${bare}-xx"`, 200], ['""', 200], ["", 200],
    [`"${bare}0"`, 200], [`"${bare.slice(1)}"`, 200],
  ]) {
    for (let time = 0; time < 3; time += 1) assert.equal((await ask("https://docs.test/app.js", { headers: { "if-none-match": text } })).status, status, text);
  }
});

test("answers are forgotten when there are 4,096 of them, and asked for anew", async () => {
  const { ask } = await isolate();
  const asks = [];
  for (const method of ["GET", "HEAD"]) {
    for (let file = 0; file < FILES; file += 1) asks.push([`https://large.test/${file}.txt`, { method }]);
  }
  const tags = [];
  for (const [url, init] of asks) tags.push((await ask(url, init)).headers.etag);
  asks.forEach(([url, init], index) => asks.push([url, { ...init, headers: { "if-none-match": tags[index] } }]));
  for (const [url, init] of asks.slice(2 * FILES, MOST)) assert.equal((await ask(url, init)).status, 304);
  assert.equal(calls.told, MOST);
  await ask(...asks[0]);
  assert.equal(calls.told, MOST);
  await ask(...asks[MOST]);
  for (const [url, init] of asks.slice(0, 3)) assert.equal((await ask(url, init)).status, 200);
  assert.equal(calls.told, MOST + 4);
  for (const [url, init] of asks.slice(0, 3)) assert.equal((await ask(url, init)).status, 200);
  assert.equal(calls.told, MOST + 4);
});

test("targets are forgotten when 4,096 of them are remembered, and decided anew", async () => {
  const { ask } = await isolate();
  const url = (number) => `https://docs.test/old/x?${number}`;
  // The first of all has the answer kept, and is not remembered itself.
  for (let number = 0; number <= MOST; number += 1) await ask(url(number));
  calls.further = 0;
  for (const number of [1, MOST]) await ask(url(number));
  assert.equal(calls.further, 0);
  await ask(url(0));
  for (const number of [1, 2]) assert.equal((await ask(url(number))).headers.location, `/about?${number}`);
  assert.equal(calls.further, 3);
});

test("what the shim knows of usual encodings is what the core says of them", () => {
  const module = new WebAssembly.Module(readFileSync(join(workspace, "wasm-pkg/routine.wasm")));
  const { memory, input, codings } = new WebAssembly.Instance(module).exports;
  for (const [text, known] of USUAL_ENCODINGS) {
    const at = input(text.length);
    new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, at));
    assert.equal(codings(text.length) >>> 0, known, text);
  }
});

test("long targets are answered and not remembered", async () => {
  const { ask } = await isolate();
  const url = `https://docs.test/old/x?${"x".repeat(256)}`;
  for (let time = 0; time < 2; time += 1) assert.equal((await ask(url)).status, 301);
  calls.further = 0;
  await ask(url);
  assert.equal(calls.further, 1);
});

test("a record that is read anew keeps its answers while it is the same, and loses them when it changes", async () => {
  const { ask, settle } = await isolate();
  const deployment = async () => (await ask("https://docs.test/about")).headers["x-miaobu-deployment"];
  assert.deepEqual([await deployment(), calls.told], ["1", 1]);
  now += 3_000;
  assert.equal(await deployment(), "1");
  await settle();
  assert.deepEqual([await deployment(), calls.told], ["1", 1]);
  nameOf = (key) => key.replace("docs.test", "other.test");
  now += 3_000;
  await deployment();
  await settle();
  assert.deepEqual([await deployment(), calls.told], ["2", 2]);
});
