// The package for browsers and Node: what it tells, its types, and the example of its README in Node and in Chromium.
//
//     node --test edge/tests/explain.mjs

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { explain, MissingShard } from "../../wasm-pkg/explain/node.js";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const npmPackage = join(workspace, "wasm-pkg");
const readme = readFileSync(join(npmPackage, "README.md"), "utf8");

const examples = () => join(process.env.CARGO_TARGET_DIR ?? join(workspace, "target"), "debug/examples");
let folder;
let site;

before(() => {
  execFileSync("cargo", ["build", "--quiet", "-p", "miaobu-edge", "--features", "build", "--examples"], { cwd: workspace, stdio: "inherit" });
  folder = mkdtempSync(join(tmpdir(), "miaobu-explain-"));
  mkdirSync(join(folder, "site"));
  const files = {
    "index.html": "<h1>Home</h1>",
    "about.html": "<h1>About</h1>",
    "404.html": "<h1>Nothing here</h1>",
    _redirects: "# moved\n/old/* /about 301\n/about /elsewhere\n",
    _headers: "/about\n  X-Robots-Tag: none\n  ! Referrer-Policy\n",
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, "site", name), content);
  execFileSync(join(examples(), "make_site"), [join(folder, "site"), folder, "docs.localhost", "docs", "7"]);
  site = { record: readFileSync(join(folder, "kv/docs.localhost")), blob: readFileSync(join(folder, "kv/d-7")) };
});

after(() => rmSync(folder, { recursive: true, force: true }));

test("the rule, its line and the record are told", () => {
  const told = explain(site, "http://docs.localhost/old/page?a=1");
  assert.equal(told.outcome, "redirect");
  assert.equal(told.status, 301);
  assert.equal(told.step, "redirect_rule");
  assert.equal(told.location, "/about?a=1");
  assert.deepEqual(told.rules, [{ file: "_redirects", line: 2 }]);
  assert.equal(told.record.deployment_id, 7);
  assert.equal(told.record.key, "docs.localhost");
});

test("the file, its headers and the rule that it passed over are told", () => {
  const told = explain(site, { url: "https://docs.localhost/about", headers: { Range: "bytes=0-3" } });
  assert.deepEqual(told.file, { path: "/about.html", key: "projects/docs/7/about.html", coding: null, size: 14, range: [0, 3], with_body: true });
  assert.equal(told.status, 206);
  assert.deepEqual(told.passed_over, { file: "_redirects", line: 3 });
  const named = Object.fromEntries(told.headers.map((header) => [header.name, header]));
  assert.deepEqual(named["x-robots-tag"], { name: "x-robots-tag", value: "none", source: "rule", rules: [{ file: "_headers", line: 1 }] });
  assert.equal(named["cache-control"].source, "default");
  assert.equal(named["content-range"].source, "request");
  assert.deepEqual(told.removed_headers, [{ name: "referrer-policy", rules: [{ file: "_headers", line: 1 }] }]);
});

test("requests come as the platform's own, and records as objects", () => {
  const record = JSON.parse(site.record);
  delete record.check;
  const tag = explain(site, "http://docs.localhost/").headers.find(({ name }) => name === "etag").value;
  const told = explain({ record, blob: site.blob.buffer.slice(site.blob.byteOffset, site.blob.byteOffset + site.blob.length) },
    new Request("http://docs.localhost/", { headers: { "If-None-Match": tag } }));
  assert.equal(told.outcome, "not_modified");
});

test("the deployment that a pin or a side of a split leads to is the one that is explained", () => {
  const { check, ...record } = JSON.parse(site.record);
  const other = { ...record, split: "9 d-9 5000 1", pins: `9 d-9 ${4_000_000_000}` };
  const ask = (headers, blobs) => explain({ record: other, blob: site.blob, blobs }, { url: "http://docs.localhost/about", headers });
  assert.deepEqual([ask({}).record.deployment_id, ask({}).status], [7, 200]);
  for (const headers of [{ cookie: "__miaobu_split=5000" }, { "x-deployment-id": "9", "sec-fetch-mode": "cors" }]) {
    const told = ask(headers, { "d-9": site.blob });
    assert.deepEqual([told.record.deployment_id, told.status, told.file.key], [9, 200, "projects/docs/9/about.html"]);
    // Without its blob it is explained as an edge that can't read it answers.
    assert.deepEqual([ask(headers).record.deployment_id, ask(headers).status], [9, 503]);
  }
  const late = explain({ record: other, blob: site.blob }, { url: "http://docs.localhost/about?dpl=9", headers: { "sec-fetch-mode": "cors", cookie: "__miaobu_split=9999" }, now: 4_000_000_001_000 });
  assert.equal(late.record.deployment_id, 7);
});

test("a hashed file that one side of a split lacks is explained as the other side's", () => {
  for (const [id, name] of [["7", "index-4f2a9c1b.js"], ["9", "index-77d0e3aa.js"]]) {
    const from = join(folder, `side-${id}`);
    mkdirSync(join(from, "assets"), { recursive: true });
    writeFileSync(join(from, "index.html"), `<script type="module" src="/assets/${name}"></script>`);
    writeFileSync(join(from, "assets", name), `console.log(${id});`);
    execFileSync(join(examples(), "make_site"), [from, join(folder, id), "docs.localhost", "docs", id]);
  }
  const { check, ...record } = JSON.parse(readFileSync(join(folder, "7/kv/docs.localhost")));
  const [own, other] = ["7", "9"].map((id) => readFileSync(join(folder, `${id}/kv/d-${id}`)));
  const split = { record: { ...record, split: "9 d-9 5000 1" }, blob: own, blobs: { "d-9": other } };
  const ask = (path, lot, given = split) => {
    const told = explain(given, { url: `http://docs.localhost${path}`, headers: { cookie: `__miaobu_split=${lot}` } });
    return [told.status, told.record.deployment_id, told.file?.key];
  };
  assert.deepEqual(ask("/assets/index-77d0e3aa.js", 9999), [200, 9, "projects/docs/9/assets/index-77d0e3aa.js"]);
  assert.deepEqual(ask("/assets/index-4f2a9c1b.js", 0), [200, 7, "projects/docs/7/assets/index-4f2a9c1b.js"]);
  assert.deepEqual(ask("/assets/index-4f2a9c1b.js", 9999), [200, 7, "projects/docs/7/assets/index-4f2a9c1b.js"]);
  assert.deepEqual(ask("/assets/none-4f2a9c1b.js", 9999), [404, 7, undefined]);
  assert.deepEqual(ask("/assets/index-77d0e3aa.js", 9999, { ...split, blobs: {} }), [404, 7, undefined]);
});

test("a protection that is closed is a step of its own", () => {
  const { check, ...record } = JSON.parse(site.record);
  const told = explain({ record: { ...record, protection: `${"5a".repeat(32)} - 3 -` }, blob: site.blob }, "http://docs.localhost/about");
  assert.deepEqual([told.outcome, told.status, told.step], ["refuse", 401, "protection"]);
});

test("what is not there or damaged is told, and what is no URL refused", () => {
  assert.equal(explain({}, "http://nowhere.localhost/").status, 421);
  const damaged = Buffer.from(site.blob);
  damaged[60] ^= 1;
  assert.equal(explain({ ...site, blob: damaged }, "http://docs.localhost/").status, 500);
  assert.equal(explain({ record: "{" }, "http://docs.localhost/").step, "record");
  assert.throws(() => explain(site, "/about"), TypeError);
});

/** A site in shards, and the same in one piece. */
function parted(id) {
  const from = join(folder, `parted-${id}`);
  mkdirSync(join(from, "assets"), { recursive: true });
  for (let page = 0; page < 80; page += 1) writeFileSync(join(from, `page-${page}.html`), String(page));
  for (let file = 0; file < 20; file += 1) writeFileSync(join(from, "assets", `app${file}-4f2a9c${id}b.js`), String(file));
  writeFileSync(join(from, "_redirects"), "/old/* /page-7 301\n/page-1 /page-2 302!\n/show /page-3 200\n");
  writeFileSync(join(from, "404.html"), "nothing");
  const [whole, parts] = [[], ["limit=1200"]].map((options, number) => {
    const made = join(folder, `made-${id}-${number}`);
    execFileSync(join(examples(), "make_site"), [from, made, "parted.localhost", "parted", id, ...options], { stdio: "ignore" });
    const kept = (name) => readFileSync(join(made, "kv", name));
    return { record: kept("parted.localhost"), blob: kept(`d-${id}`), shards: Object.fromEntries(readdirSync(join(made, "kv")).filter((name) => name.startsWith(`d-${id}-`)).map((name) => [name, kept(name)])) };
  });
  assert.ok(Object.keys(parts.shards).length > 2, "a site in few parts");
  return { whole, parts };
}

test("a site in shards says which one it takes, and is explained with it as in one piece", () => {
  const { whole, parts } = parted("7");
  const paths = ["/", "/page-5", "/page-5.html", "/PAGE-5", "/page-1", "/old/x", "/show", "/nowhere", "/assets/app3-4f2a9c7b.js"];
  const wanted = paths.map((path) => {
    const shards = {};
    for (let asked = 0; asked <= 3; asked += 1) {
      try {
        const told = explain({ ...parts, shards }, `http://parted.localhost${path}`);
        assert.deepEqual(told, explain(whole, `http://parted.localhost${path}`), path);
        return Object.keys(shards).length;
      } catch (error) {
        assert.ok(error instanceof MissingShard, error);
        assert.ok(!(error.key in shards) && error.key in parts.shards, `${error.key} is wanted`);
        shards[error.key] = parts.shards[error.key];
      }
    }
    assert.fail(`no end of shards for ${path}`);
  });
  assert.equal(wanted[paths.indexOf("/page-5")], 1);
  assert.ok(wanted.every((count) => count <= 2), String(wanted));
});

test("a shard that is not there, damaged or another site's is explained as an edge answers that can't read it", () => {
  const { parts } = parted("7");
  const foreign = parted("8").parts.shards;
  const ask = (shards) => explain({ ...parts, shards }, "http://parted.localhost/page-5");
  let key;
  assert.throws(() => ask({}), (error) => (key = error.key) in parts.shards);
  const damaged = Buffer.from(parts.shards[key]);
  damaged[60] ^= 1;
  for (const bytes of [null, damaged, foreign[key.replace("d-7", "d-8")], parts.blob]) {
    assert.deepEqual([ask({ [key]: bytes }).status, ask({ [key]: bytes }).outcome], [503, "refuse"]);
  }
  assert.equal(ask({ [key]: parts.shards[key] }).status, 200);
});

test("a hashed file that the other side of a split has in a shard is explained as that side's", () => {
  const [seven, nine] = ["7", "9"].map((id) => parted(id).parts);
  const { check, ...record } = JSON.parse(seven.record);
  const split = { record: { ...record, split: "9 d-9 5000 1" }, blob: seven.blob, blobs: { "d-9": nine.blob } };
  const ask = (shards) => explain({ ...split, shards }, { url: "http://parted.localhost/assets/app3-4f2a9c9b.js", headers: { cookie: "__miaobu_split=9999" } });
  const all = { ...seven.shards, ...nine.shards };
  const told = ask(all);
  assert.deepEqual([told.status, told.record.deployment_id], [200, 9]);
  assert.throws(() => ask(seven.shards), (error) => error instanceof MissingShard && error.key in nine.shards);
  const lost = Object.fromEntries(Object.keys(nine.shards).map((key) => [key, null]));
  assert.deepEqual([ask({ ...all, ...lost }).status, ask({ ...all, ...lost }).record.deployment_id], [404, 7]);
});

test("the types are right about what is told, by the compiler's word", () => {
  const { parts } = parted("7");
  const { check, ...record } = JSON.parse(site.record);
  const told = [
    explain(site, "http://docs.localhost/old/page?a=1"),
    explain(site, { url: "https://docs.localhost/about", headers: { Range: "bytes=0-3" } }),
    explain(site, "http://docs.localhost/nowhere"),
    explain({ record: { ...record, protection: "x" }, blob: site.blob }, "http://docs.localhost/"),
    explain({ record: { ...record, site: undefined } }, "http://docs.localhost/"),
    explain({}, "http://nowhere.localhost/"),
    explain(parts, "http://parted.localhost/"),
  ];
  const written = told.map((one) => `  ${JSON.stringify(one)},`).join("\n");
  // An object as it is written may have no member that its type lacks.
  const right = `import { explain, MissingShard, type AskedRequest, type Explanation, type Site, type Step } from "@miaobu/edge/explain";

export const told: Explanation[] = [\n${written}\n];

export async function steps(store: { get(key: string): Promise<Uint8Array | null> }, asked: AskedRequest | Request): Promise<Step[]> {
  const site: Site = { record: await store.get("docs.localhost"), blob: await store.get("d-7"), shards: {} };
  try {
    return [explain(site, asked).step, explain(site, asked.url).step];
  } catch (error) {
    if (!(error instanceof MissingShard)) throw error;
    const shard: Uint8Array | null = await store.get(error.key);
    return [explain({ ...site, shards: { [error.key]: shard } }, asked).step];
  }
}

export const places: string[] = told.flatMap(({ rules, passed_over, headers, removed_headers, file, record }) => [
  ...rules.map((rule) => rule.file + (rule.line?.toFixed() ?? "")),
  passed_over?.file ?? "",
  ...headers.map((header) => header.name + header.value + header.source),
  ...removed_headers.flatMap((header) => header.rules.map((rule) => rule.file)),
  (file?.size ?? 0).toFixed() + (file?.range?.[0].toFixed() ?? ""),
  record?.deployment_id.toFixed() ?? "",
]);
`;
  assert.equal(compiled("right.ts", right), "");
  const wrong = `import { explain } from "@miaobu/edge/explain";\nexport const length: number = explain({}, { method: "GET" }).location.length;\n`;
  const errors = compiled("wrong.ts", wrong);
  assert.match(errors, /Property 'url' is missing/);
  assert.match(errors, /possibly 'null'/);
});

/** What the compiler of TypeScript says of a program that uses the package. */
function compiled(name, text) {
  const program = join(installed(), name);
  writeFileSync(program, text);
  const compiler = join(workspace, "edge/tests/node_modules/typescript/bin/tsc");
  const options = ["--noEmit", "--strict", "--target", "es2022", "--module", "node16", "--lib", "es2022,dom", program];
  const { status, stdout, error } = spawnSync(process.execPath, [compiler, ...options], { cwd: folder, encoding: "utf8" });
  if (error) throw error;
  return status === 0 ? "" : stdout;
}

/** A folder whose programs find the package by its name. */
function installed() {
  const scope = join(folder, "node_modules/@miaobu");
  mkdirSync(scope, { recursive: true });
  writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
  if (!existsSync(join(scope, "edge"))) symlinkSync(npmPackage, join(scope, "edge"));
  return folder;
}

test("the README's example runs in Node", async () => {
  installed();
  writeFileSync(join(folder, "why.mjs"), example("why"));
  const { why } = await import(join(folder, "why.mjs"));
  assert.equal(why(site, "http://docs.localhost/old/x"), "301 /about (_redirects, line 2)");
  assert.equal(why(site, "http://docs.localhost/nowhere"), "404 /404.html (not_found_page)");
});

test("the README's example reads the shards that an answer takes", async () => {
  installed();
  writeFileSync(join(folder, "shards.mjs"), example("explainWith"));
  const { explainWith } = await import(join(folder, "shards.mjs"));
  const { whole, parts } = parted("7");
  const { shards, ...rest } = parts;
  const asked = [];
  const read = async (key) => (asked.push(key), shards[key] ?? null);
  const url = "http://parted.localhost/page-5";
  assert.deepEqual(await explainWith(read, rest, url), explain(whole, url));
  assert.equal(asked.length, 1);
});

test("the README's example runs in Chromium", { timeout: 120_000 }, async () => {
  const told = await inChromium(`
    import { why } from "/why.mjs";
    const bytes = async (name) => new Uint8Array(await (await fetch(name)).arrayBuffer());
    const site = { record: await bytes("/record"), blob: await bytes("/blob") };
    const told = ["/old/x", "/about", "/nowhere"].map((path) => why(site, "http://docs.localhost" + path));
    await fetch("/told", { method: "POST", body: JSON.stringify(told) });`);
  assert.deepEqual(told, ["301 /about (_redirects, line 2)", "200 /about.html (file)", "404 /404.html (not_found_page)"]);
});

/** The README's example that exports a function of this name. */
function example(name) {
  const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, text]) => text);
  return examples.find((text) => text.includes(`function ${name}(`));
}

/** Runs a module in a page whose policy allows WebAssembly and nothing from elsewhere; returns what it posts to /told. */
async function inChromium(module) {
  const entry = JSON.parse(readFileSync(join(npmPackage, "package.json"))).exports["./explain"].default;
  const imports = JSON.stringify({ imports: { "@miaobu/edge/explain": entry.replace("./", "/package/") } });
  const pages = {
    "/": ["text/html", `<!doctype html><script type="importmap">${imports}</script><script type="module">${module}</script>`],
    "/why.mjs": ["text/javascript", example("why")],
    "/record": ["application/octet-stream", site.record],
    "/blob": ["application/octet-stream", site.blob],
  };
  const types = { ".js": "text/javascript", ".wasm": "application/wasm" };
  let tell;
  const told = new Promise((resolve) => (tell = resolve));
  const server = createServer(async (request, response) => {
    const name = request.url.replace("/package/", "");
    if (request.url === "/told") {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      response.end();
      tell(JSON.parse(Buffer.concat(chunks)));
    } else if (request.url.startsWith("/package/") && types[extname(name)]) {
      response.writeHead(200, { "content-type": types[extname(name)] }).end(readFileSync(join(npmPackage, name)));
    } else if (pages[request.url]) {
      const [type, body] = pages[request.url];
      const policy = "default-src 'self'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'";
      response.writeHead(200, { "content-type": type, "content-security-policy": policy }).end(body);
    } else {
      response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${join(folder, "chromium")}`];
  const browser = spawn("chromium", [...options, `http://127.0.0.1:${server.address().port}/`], { stdio: "ignore" });
  const ended = once(browser, "exit").then(([code]) => {
    throw new Error(`chromium ended with ${code}`);
  });
  ended.catch(() => {});
  try {
    return await Promise.race([told, ended]);
  } finally {
    if (browser.exitCode === null) {
      browser.kill();
      await once(browser, "exit");
    }
    server.closeAllConnections();
    server.close();
  }
}
