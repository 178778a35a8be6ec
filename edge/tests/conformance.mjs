// Every claimed case passes in the homes of the built routine: our own cases, and the peers' where they are at hand.
//
//     node --test edge/tests/conformance.mjs

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const workspace = fileURLToPath(new URL("../../", import.meta.url));
const casesOf = (folder) => (existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".json")).map((name) => join(folder, name)) : []);
const own = [join(workspace, "edge/tests/cases"), join(workspace, "edge/tests/differences")].flatMap(casesOf);
const peers = casesOf(join(workspace, "../shared/cases/edge"));
const files = [...own, ...peers];

const program = ["run", "--quiet", "-p", "miaobu-edge", "--features", "build", "--example", "edge_cases", "--"];
const run = (...words) => spawnSync("cargo", [...program, ...words], { cwd: workspace, maxBuffer: 1 << 28, encoding: "utf8" });

for (const home of ["node", "workerd"]) {
  test(`every claimed case passes in ${home}`, (context) => {
    const { status, stdout, stderr } = run("--home", home, ...files);
    const lines = stdout.trimEnd().split("\n");
    const wrong = lines.filter((line) => line.includes('"result":"fail"') || line.includes("although it is said to differ"));
    assert.deepEqual(wrong, [], stderr);
    assert.equal(status, 0, stderr);
    context.diagnostic(lines.at(-1));
  });
}

test("the driver tells of each case in a line of JSON, counts them, and fails with one of them", () => {
  const folder = mkdtempSync(join(tmpdir(), "miaobu-cases-"));
  const request = { method: "GET", path: "/a.txt" };
  const cases = [
    { id: "x/1", files: [{ path: "/a.txt" }], request, expect: { status: 200, file: "/a.txt" } },
    { id: "x/2", files: [{ path: "/b.txt" }], request, expect: { status: 200 } },
    { id: "x/3", files: [{ path: "/a.txt" }], request: { ...request, headers: { range: "bytes=1" } }, expect: { status: 416 } },
  ];
  const file = join(folder, "cases.json");
  writeFileSync(file, JSON.stringify({ suite: "sirv", cases }));
  const { status, stdout } = run(file);
  rmSync(folder, { recursive: true });
  const [count, ...lines] = stdout.trimEnd().split("\n").reverse();
  const told = lines.reverse().map((line) => JSON.parse(line));
  assert.deepEqual(told.map(({ id, suite, result }) => [id, suite, result]), [["x/1", "sirv", "pass"], ["x/2", "sirv", "fail"], ["x/3", "sirv", "unclaimed"]]);
  assert.equal(told[1].got.status, 404);
  assert.match(told[1].why, /status: expected 200, got 404/);
  assert.deepEqual([count, status], ["1 passed, 1 failed, 1 skipped", 1]);
  assert.equal(run(file).status, 2, "there is no such file");
});

test("the page about conformance says what the peers' suites give now", (context) => {
  if (peers.length === 0) return context.skip("the peers' cases are not at hand");
  const { status, stdout, stderr } = run("--table", ...peers);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, readFileSync(join(workspace, "edge/CONFORMANCE.md"), "utf8"), "scripts/edge-cases --table ../shared/cases/edge/*.json >edge/CONFORMANCE.md makes it anew");
});
