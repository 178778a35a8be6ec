// What is stored and damaged, as a visitor meets it: every truncation and every flipped bit of a record, a site and a shard,
// through the one-file bundle in Node, and a sample of them through workerd.
//
//     node --test edge/tests/damage.mjs

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { send } from "./homes/client.mjs";
import { startWorkerd } from "./homes/start.mjs";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const FUTURE = 4_000_000_000;
const PROTECTION = `${"5a".repeat(32)} - 3,5 -`;
/** What is damaged: the host whose answer it is part of, and the key of it. */
const STORED = [
  ["docs.test", "docs.test"], ["locked.test", "locked.test"], ["split.test", "split.test"], ["pins.test", "pins.test"],
  ["docs.test", "d-1"], ["sharded.test", "d-6"], ["sharded.test", "d-6-0"],
];
const PATH = "/about?dpl=2";
const CODES = /\b(route_damaged|route_unavailable)\b/;

let folder;
const files = new Map();

before(() => {
  const target = process.env.CARGO_TARGET_DIR ?? join(workspace, "target");
  execFileSync("cargo", ["build", "--quiet", "-p", "miaobu-edge", "--features", "build", "--examples"], { cwd: workspace, stdio: "inherit" });
  folder = mkdtempSync(join(tmpdir(), "miaobu-damage-"));
  const site = join(folder, "site");
  mkdirSync(site);
  for (const name of ["index.html", "about.html", "404.html"]) writeFileSync(join(site, name), name);
  writeFileSync(join(site, "_redirects"), "/old/* /about 301\n");
  writeFileSync(join(site, "_headers"), "/about\n  X-Own: 1\n");
  const make = (...words) => execFileSync(join(target, "debug/examples/make_site"), [site, folder, ...words], { stdio: ["ignore", "ignore", "inherit"] });
  make("docs.test", "docs", "1");
  make("second.test", "docs", "2");
  make("locked.test", "docs", "1", `protection=${PROTECTION}`);
  make("split.test", "docs", "1", "split=2 d-2 5000 1");
  make("pins.test", "docs", "1", `pins=2 d-2 ${FUTURE}`);
  for (let page = 0; page < 24; page += 1) writeFileSync(join(site, `${page}.html`), `${page}`);
  make("sharded.test", "sharded", "6", "limit=900");
});

after(() => rmSync(folder, { recursive: true, force: true }));

function read(name) {
  if (!files.has(name)) files.set(name, existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : undefined);
  return files.get(name);
}

/** Every truncation and every flipped bit. */
function* damages(bytes) {
  for (let length = 0; length < bytes.length; length += 1) yield [`the first ${length} bytes`, bytes.subarray(0, length)];
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const damaged = Buffer.from(bytes);
    damaged[bit >> 3] ^= 1 << (bit & 7);
    yield [`bit ${bit}`, damaged];
  }
}

/**
 * What KV holds under a key when each damage has a host of its own, `NUMBER.HOST`, with what its record leads to under keys
 * of its own too; `damaged` is asked for the bytes in place of those under `name`.
 */
function stored(key, name, damaged) {
  const [, number, own] = /^(\d+)\.(.*)$/.exec(key) ?? [, undefined, key];
  if (number !== undefined && own === name) return damaged(Number(number));
  if (number === undefined || !own.endsWith(".test")) return read(join("kv", own));
  const record = JSON.parse(read(join("kv", own)));
  if (!name.startsWith(record.site)) return read(join("kv", own));
  // Without its checksum, it can be given another site.
  const { check, ...rest } = record;
  return Buffer.from(JSON.stringify({ ...rest, site: `${number}.${record.site}` }));
}

/** The object under a path; the copy of a shard is what KV has, and that of a site is not there. */
function object(path, name, damaged) {
  const [, kind, shard] = /\.(site|shards\/(.*))$/.exec(path) ?? [];
  if (shard) return stored(shard, name, damaged);
  return kind ? undefined : read(join("objects", path));
}

function judge(expected, { status, headers, body }, what) {
  if (status === expected.status && String(headers) === String(expected.headers) && body === expected.body) return;
  assert.ok([500, 503].includes(status) && CODES.test(body), `${what}: ${status} ${headers} ${body}`);
  assert.ok(headers.includes("cache-control: no-store"), `${what}: ${headers}`);
}

test("no truncation and no flipped bit of what is stored gives another answer than the right one or an error with a code", async (context) => {
  const { default: routine } = await import("../../wasm-pkg/esa.js");
  const log = console.log;
  console.log = () => {};
  context.after(() => (console.log = log));
  let name;
  let current;
  globalThis.EdgeKV = class {
    async get(key) {
      const bytes = stored(key, name, () => current);
      return bytes && new Uint8Array(bytes).buffer;
    }
  };
  globalThis.fetch = async (url) => {
    const bytes = object(decodeURIComponent(new URL(url).pathname), name, () => current);
    return new Response(bytes, { status: bytes ? 200 : 404 });
  };
  const ask = async (host) => {
    const headers = { cookie: "__miaobu_split=1", "x-miaobu-bypass": "none" };
    const response = await routine.fetch(new Request(`https://${host}${PATH}`, { headers }), {}, { MIAOBU_OBJECTS_URL: "https://objects.test" });
    const answered = [...response.headers].map(([field, value]) => `${field}: ${value}`).filter((field) => !field.startsWith("x-miaobu-request-id"));
    return { status: response.status, headers: answered, body: await response.text() };
  };
  let number = 0;
  for (const [host, key] of STORED) {
    name = key;
    current = read(join("kv", key));
    const expected = await ask(`${(number += 1)}.${host}`);
    assert.equal(expected.status, host === "locked.test" ? 401 : 200, `${key}: ${expected.body}`);
    let errors = 0;
    for (const [what, bytes] of damages(read(join("kv", key)))) {
      current = bytes;
      const answer = await ask(`${(number += 1)}.${host}`);
      judge(expected, answer, `${key}, ${what}`);
      errors += answer.status >= 500;
    }
    // Some damage is none: a record's spare member, a shard that the request does not need.
    context.diagnostic(`${key}: ${errors} errors`);
  }
  context.diagnostic(`${number} requests`);
  assert.ok(number > 10_000);
});

test("workerd answers for a sample of the same damage alike", async () => {
  let name;
  let sample;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url);
    const damaged = (number) => sample[number];
    const bytes = path.startsWith("/kv/") ? stored(path.slice(4), name, damaged) : object(path.slice("/objects".length), name, damaged);
    response.writeHead(bytes ? 200 : 404).end(bytes);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { url, stop } = await startWorkerd(`http://127.0.0.1:${server.address().port}`);
  try {
    let number = 0;
    for (const [host, key] of STORED) {
      const every = [...damages(read(join("kv", key)))];
      name = key;
      sample = { [number]: read(join("kv", key)) };
      const ask = async () => {
        const answer = await send(url, { method: "GET", host: `${number}.${host}`, target: PATH, headers: { cookie: "__miaobu_split=1" } });
        const headers = answer.headers.filter((field) => !/^(x-miaobu-request-id|x-subrequests|date): /.test(field));
        return { status: answer.status, headers, body: answer.body.toString() };
      };
      const expected = await ask();
      assert.equal(expected.status, host === "locked.test" ? 401 : 200, `${key}: ${expected.body}`);
      for (let at = 0; at < every.length; at += Math.floor(every.length / 20)) {
        const [what, bytes] = every[at];
        number += 1;
        sample = { [number]: bytes };
        judge(expected, await ask(), `${key}, ${what}`);
      }
      number += 1;
    }
  } finally {
    await stop();
    server.closeAllConnections();
    server.close();
  }
});
