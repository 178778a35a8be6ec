// Compares the homes of the routine on sites that nobody thought of: random files, random rules in the file of any peer,
// functions, shards, splits, pins and protection, and random requests. Without a seed each run draws others; a failure names its seed.
//
//     [TEST_PARITY_SEED=NUMBER] [MIAOBU_PARITY_NATIVE=PROGRAM] node --test edge/tests/random-sites.mjs
//
// Functions are called where there is another native edge, as parity.mjs takes it: the example does not call any.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, randomInt } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { send } from "./homes/client.mjs";
import { randomFrom, requestsFor } from "./homes/requests.mjs";
import { startFunction, startJavascript, startNative, startNode, startStorage, startWorkerd } from "./homes/start.mjs";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const seed = Number(process.env.TEST_PARITY_SEED ?? randomInt(2 ** 31));
const random = randomFrom(seed);
const otherNative = process.env.MIAOBU_PARITY_NATIVE;
const SITES = 40;
const REQUESTS = 25;
const BYPASS = "mb_bypass_random";
const FUTURE = 4_000_000_000;

const sites = [];
const running = [];
let folder;
let homes;

before(async () => {
  execFileSync("cargo", ["build", "--quiet", "-p", "miaobu-edge", "--features", "build", "--examples"], { cwd: workspace, stdio: "inherit" });
  const examples = join(process.env.CARGO_TARGET_DIR ?? join(workspace, "target"), "debug/examples");
  folder = mkdtempSync(join(tmpdir(), "miaobu-random-"));
  const called = await keep(startFunction());
  for (let number = 1; number <= SITES; number += 1) sites.push(makeSite(join(examples, "make_site"), number, called.url));
  const storage = await keep(startStorage(folder));
  homes = {
    example: await keep(startNative(join(examples, "native"), folder)),
    ...(otherNative && { native: await keep(startNative(otherNative, folder)) }),
    node: await keep(startNode(storage.url)),
    workerd: await keep(startWorkerd(storage.url)),
    javascript: await keep(startJavascript(storage.url)),
  };
});

after(async () => {
  for (const home of running.reverse()) await home.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function keep(starting) {
  const home = await starting;
  running.push(home);
  return home;
}

function one(list) {
  return list[Math.floor(random() * list.length)];
}

function several(most, make) {
  return Array.from({ length: 1 + Math.floor(random() * most) }, make);
}

/** Few names, so that files, folders and rules meet. */
function path() {
  return several(3, () => one(["a", "b", "index", "blog", "é", "c d", "404"])).join("/");
}

/** What visitors see of a site: its files. */
function randomFiles() {
  const files = { "index.html": "home" };
  for (const name of several(20, () => path() + one([".html", "/index.html", ".js", ".txt", "-B2x_-9aZ.css"]))) files[name] = name.repeat(1 + Math.floor(random() * 99));
  if (random() < 0.5) files["404.html"] = "nothing";
  return files;
}

const source = () => `/${encodeURI(path())}${one(["", "/", "/*", "/:x", ".html"])}`;
const target = () => `/${encodeURI(path())}${one(["", "/:splat", "?q=1", ".html"])}`;
const onTheWhole = () => `/${one(["a", "b", "blog", "show"])}${one(["", "/:x", "/:x*", "/((?!a).*)"])}`;
/** Globs as Firebase and serve take them. */
const glob = () => one(["/a/**", "/b", "**/*.@(js|css)", "/blog{,/**}", "!/a/**", "a/*.html", "/:x/b"]);
const status = () => one([301, 302, 307, 308]);

/** The rules of a site, in the files of each peer. */
const RULES = {
  ours: (files) => {
    if (random() < 0.8) files._redirects = several(8, () => `${source()} ${target()} ${one(["", "301", "302!", "200", "200!", "404"])} ${one(["", "", "Country=cn", "Language=de", "Cookie=k"])}`).join("\n");
    if (random() < 0.7) files._headers = several(4, () => `${source()}\n  X-A: ${one(["1", ":splat", "b"])}\n  ${one(["! Referrer-Policy", "Cache-Control: max-age=9", "X-A: 2"])}`).join("\n");
    files["miaobu.json"] = JSON.stringify({ html_handling: one(["auto", "force", "drop", "none"]), not_found: one(["404_page", "single_page"]), redirects_first: random() < 0.3 });
  },
  netlify: (files) => {
    const redirects = several(6, () => `[[redirects]]\nfrom = "${source()}"\nto = "${target()}"\nstatus = ${one([200, 301, 302, 404])}\nforce = ${random() < 0.3}\n${one(["", "", 'conditions = { Language = ["de"] }\n', 'query = { q = ":q" }\n'])}`);
    const headers = several(3, () => `[[headers]]\nfor = "${source()}"\n[headers.values]\nX-A = "${one(["1", "2", "b"])}"\n`);
    files["netlify.toml"] = [...redirects, ...headers].join("\n");
  },
  vercel: (files) => {
    const has = () => one([{}, {}, { has: [{ type: "header", key: "x-a", value: "(?<v>.*)" }] }, { missing: [{ type: "cookie", key: "k" }] }]);
    files["vercel.json"] = JSON.stringify({
      cleanUrls: random() < 0.5,
      ...(random() < 0.5 && { trailingSlash: random() < 0.5 }),
      redirects: several(4, () => ({ source: onTheWhole(), destination: one(["/b", "/", "/c?x=1"]), permanent: random() < 0.5, ...has() })),
      rewrites: several(4, () => ({ source: onTheWhole(), destination: one(["/index.html", "/a", "/blog/b.html"]), ...has() })),
      headers: several(2, () => ({ source: "/(.*)", headers: [{ key: "X-A", value: one(["1", "$1"]) }] })),
    });
  },
  firebase: (files) => {
    files["firebase.json"] = JSON.stringify({
      hosting: {
        ...(random() < 0.7 && { cleanUrls: random() < 0.5 }),
        ...(random() < 0.5 && { trailingSlash: random() < 0.5 }),
        redirects: several(3, () => ({ source: glob(), destination: one(["/", "/b", "/blog/"]), type: one([301, 302]) })),
        rewrites: several(3, () => ({ source: glob(), destination: one(["/index.html", "/a.html", "/nowhere.html"]) })),
        headers: several(3, () => ({ source: glob(), headers: [{ key: "X-A", value: one(["1", "b"]) }] })),
      },
    });
  },
  serve: (files) => {
    files["serve.json"] = JSON.stringify({
      ...(random() < 0.7 && { cleanUrls: random() < 0.5 }),
      ...(random() < 0.5 && { trailingSlash: random() < 0.5 }),
      redirects: several(3, () => ({ source: glob(), destination: one(["/", "/b", "/blog"]), type: status() })),
      rewrites: several(3, () => ({ source: glob(), destination: one(["/index.html", "/a.html"]) })),
      headers: several(2, () => ({ source: "**", headers: [{ key: "X-A", value: "1" }] })),
    });
  },
};

/** Makes a site of a random kind; returns its host, what its requests are made of, and what it is, for whoever reads a failure. */
function makeSite(program, number, functionUrl) {
  const kind = one(["plain", "shards", "split", "pins", "protection", ...(otherNative ? ["function"] : [])]);
  const rules = one(Object.keys(RULES));
  const host = `random-${number}.localhost`;
  const files = randomFiles();
  const options = ["shell", "noindex", "coded", "dated"].filter(() => random() < 0.5);
  const make = (id, own, more = []) => {
    const root = join(folder, `site-${id}`);
    const written = { ...own };
    RULES[rules](written);
    if (kind === "function") written["miaobu.json"] = JSON.stringify({ run_first: several(2, () => one(["/a/*", "/b/*", "!/a/b*", "/blog"])), navigation_prefers_assets: random() < 0.5 });
    for (const [name, content] of Object.entries(written)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), content);
    }
    execFileSync(program, [root, folder, host, `random-${number}`, String(id), ...options, ...more], { stdio: ["ignore", "ignore", "ignore"] });
  };
  const second = SITES + number;
  const names = Object.keys(files);
  if (kind === "split" || kind === "pins") {
    const others = randomFiles();
    names.push(...Object.keys(others));
    make(second, others);
  }
  const bypass = createHash("sha256").update(BYPASS).digest("hex");
  make(number, files, {
    split: [`split=${second} d-${second} ${one([1, 5_000, 9_999])} ${number}`],
    pins: [`pins=${second} d-${second} ${one([FUTURE, 1_000])}`],
    protection: [`protection=${"5a".repeat(32)} - 3 ${bypass}`],
  }[kind]);
  if (kind === "shards") inShards(make, number, files);
  if (kind === "function") {
    const place = join(folder, "kv", host);
    const { check, ...record } = JSON.parse(readFileSync(place, "utf8"));
    writeFileSync(place, JSON.stringify({ ...record, type: "node", fc_endpoint: functionUrl }));
  }
  return { host, kind, rules, second, names: names.map((name) => `/${name}`) };
}

/** Makes it again for the shortest values that a site of its rules can be spread over. */
function inShards(make, number, files) {
  for (const limit of [1_200, 1_800, 2_600, 4_000]) {
    try {
      return make(number, files, [`limit=${limit}`]);
    } catch {
      // Its rules alone are longer.
    }
  }
  return make(number, files);
}

/** What a request for a site of a kind brings along, without which every home would draw for itself, or let nobody in. */
function along({ kind, second }) {
  const lot = one([0, 4_999, 9_999, Math.floor(random() * 10_000)]);
  return {
    split: () => ({ cookie: `k=1; __miaobu_split=${lot}` }),
    pins: () => one([{ "x-deployment-id": String(second) }, { cookie: `__vdpl=${second}` }, { "x-deployment-id": "7" }, {}]),
    protection: () => one([{ "x-miaobu-bypass": BYPASS }, { "x-miaobu-bypass": BYPASS }, { "x-miaobu-bypass": "x" }, { cookie: "__miaobu_access=3.4000000000.00" }]),
  }[kind]?.() ?? one([{}, {}, { cookie: "k=1" }, { "accept-language": "de" }, { "x-a": "1" }]);
}

/** Sends a request so often to every home, and holds the answers against the first one's, which it returns. */
async function compare(site, request, times) {
  const all = Object.entries(homes).filter(([name]) => name !== "example" || site.kind !== "function");
  let expected;
  for (let time = 0; time < times; time += 1) {
    const [[, first], ...others] = await Promise.all(all.map(async ([name, home]) => [name, await send(home.url, request)]));
    for (const [name, got] of others) assert.deepEqual(shown(got), shown(first), `${name} differs on ${JSON.stringify({ site, request })}, TEST_PARITY_SEED=${seed}`);
    expected = first;
  }
  return expected;
}

/** Every home names a request by itself. */
function shown({ status, headers, body }) {
  const id = headers.find((header) => header.startsWith("x-miaobu-request-id: "))?.slice(21) ?? "no id";
  return { status, headers: headers.map((header) => header.replaceAll(id, "…")).join("\n"), body: body.toString("latin1").replaceAll(id, "…") };
}

test("random sites are answered alike in every home", async (context) => {
  context.diagnostic(`TEST_PARITY_SEED=${seed}`);
  const [statuses, kinds] = [{}, {}];
  let count = 0;
  for (const site of sites) {
    kinds[`${site.kind}, ${site.rules}`] = (kinds[`${site.kind}, ${site.rules}`] ?? 0) + 1;
    const requests = requestsFor(site.host, site.names, random);
    for (const { headers, ...request } of requests.filter(() => random() < REQUESTS / requests.length)) {
      const asked = { ...request, headers: { ...headers, ...along(site) } };
      // Homes remember what they answered.
      const expected = await compare(site, asked, one([1, 3]));
      const tag = expected.headers.find((header) => header.startsWith("etag: "))?.slice(6);
      if (tag) await compare(site, { ...asked, headers: { ...asked.headers, "if-none-match": tag } }, 2);
      statuses[expected.status] = (statuses[expected.status] ?? 0) + 1;
      count += 1;
    }
  }
  context.diagnostic(`${count} requests to ${sites.length} sites; statuses ${JSON.stringify(statuses)}; ${JSON.stringify(kinds)}`);
  assert.ok(count > (SITES * REQUESTS) / 2);
});
