// Compares the homes of the routine on sites that nobody thought of: random files, random rules, random requests.
//
//     MIAOBU_PARITY_SEED=NUMBER node --test edge/tests/random-sites.mjs

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { send } from "./homes/client.mjs";
import { randomFrom, requestsFor } from "./homes/requests.mjs";
import { startJavascript, startNative, startNode, startStorage, startWorkerd } from "./homes/start.mjs";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const seed = Number(process.env.MIAOBU_PARITY_SEED ?? 20261121);
const random = randomFrom(seed);
const SITES = 6;

const sites = [];
const running = [];
let folder;
let native;
let homes;

before(async () => {
  execFileSync("cargo", ["build", "--quiet", "-p", "miaobu-edge", "--features", "build", "--examples"], { cwd: workspace, stdio: "inherit" });
  const examples = join(process.env.CARGO_TARGET_DIR ?? join(workspace, "target"), "debug/examples");
  folder = mkdtempSync(join(tmpdir(), "miaobu-random-"));
  for (let number = 1; number <= SITES; number += 1) {
    const { files, names, options } = randomSite();
    const root = join(folder, `site-${number}`);
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), content);
    }
    const host = `random-${number}.localhost`;
    execFileSync(join(examples, "make_site"), [root, folder, host, `random-${number}`, String(number), ...options], { stdio: ["ignore", "ignore", "ignore"] });
    sites.push({ host, names });
  }
  const storage = await keep(startStorage(folder));
  native = await keep(startNative(join(examples, "native"), folder));
  homes = {
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

function randomSite() {
  const files = { "index.html": "home" };
  for (const name of several(12, () => path() + one([".html", "/index.html", ".js", ".txt", "-B2x_-9aZ.css"]))) files[name] = name.repeat(1 + Math.floor(random() * 99));
  if (random() < 0.5) files["404.html"] = "nothing";
  const names = Object.keys(files).map((name) => `/${name}`);
  const source = () => `/${encodeURI(path())}${one(["", "/", "/*", "/:x", ".html"])}`;
  const target = () => `/${encodeURI(path())}${one(["", "/:splat", "?q=1", ".html"])}`;
  if (random() < 0.7) files._redirects = several(8, () => `${source()} ${target()} ${one(["", "301", "302!", "200", "200!", "404"])} ${one(["", "", "Country=cn", "Language=de", "Cookie=k"])}`).join("\n");
  if (random() < 0.7) files._headers = several(4, () => `${source()}\n  X-A: ${one(["1", ":splat", "b"])}\n  ${one(["! Referrer-Policy", "Cache-Control: max-age=9", "X-A: 2"])}`).join("\n");
  const handling = one(["auto", "force", "drop", "none"]);
  files["miaobu.json"] = JSON.stringify({ html_handling: handling, not_found: one(["404_page", "single_page"]), redirects_first: random() < 0.3 });
  const redirects = several(4, () => ({ source: `/${one(["a", "b", "blog"])}/:x*`, destination: one(["/b/:x*", "/", "/c"]), permanent: true }));
  const rewrites = several(4, () => ({ source: one(["/show/:x", "/:x/a", "/((?!a).*)"]), destination: one(["/index.html", "/a", "/b/:x"]) }));
  if (random() < 0.3) files["vercel.json"] = JSON.stringify({ cleanUrls: random() < 0.5, redirects, rewrites: rewrites.filter(({ destination }) => !destination.includes(":")) });
  return { files, names, options: ["shell", "noindex", "coded", "dated"].filter(() => random() < 0.5) };
}

/** Sends a request so often to every home, and holds the answers against the native one, which it returns. */
async function compare(request, times) {
  const show = ({ status, headers, body }) => ({ status, headers: String(headers), body: body.toString("latin1") });
  const expected = await send(native.url, request);
  for (const [name, home] of Object.entries(homes)) {
    for (let time = 0; time < times; time += 1) {
      const got = await send(home.url, request);
      assert.deepEqual(show(got), show(expected), `${name} differs on ${JSON.stringify(request)}, seed ${seed}`);
    }
  }
  return expected;
}

test("random sites are answered alike in every home", async (context) => {
  const statuses = {};
  let count = 0;
  for (const { host, names } of sites) {
    const requests = requestsFor(host, names, random);
    const picked = requests.filter(() => random() < 400 / requests.length);
    for (const request of picked) {
      const expected = await compare(request, 1);
      // Homes remember what they answered.
      if (random() < 0.5) await compare(request, 2);
      const tag = expected.headers.find((header) => header.startsWith("etag: "))?.slice(6);
      if (tag) await compare({ ...request, headers: { ...request.headers, "if-none-match": tag } }, 2);
      statuses[expected.status] = (statuses[expected.status] ?? 0) + 1;
      count += 1;
    }
  }
  context.diagnostic(`${count} requests to ${sites.length} sites, seed ${seed}; statuses ${JSON.stringify(statuses)}`);
  assert.ok(count > SITES * 100);
});
