// Every claimed case passes in the homes of the built routine: our own cases, and the peers' where they are at hand.
//
//     node --test edge/tests/conformance.mjs

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
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

test("the page about conformance says what the peers' suites give now", (context) => {
  if (peers.length === 0) return context.skip("the peers' cases are not at hand");
  const { status, stdout, stderr } = run("--table", ...peers);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, readFileSync(join(workspace, "edge/CONFORMANCE.md"), "utf8"), "scripts/edge-cases --table ../shared/cases/edge/*.json >edge/CONFORMANCE.md makes it anew");
});
