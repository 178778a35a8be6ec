// The emulated edge, as the vendor's own tool meets it: it deploys a routine from one of its own templates. It speaks TLS and
// nothing else, which a door in front of the emulator does for it.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createServer } from "node:tls";
import { KEY, SECRET, ZONE, emulated, visit } from "./emulated.mjs";

const modules = join(import.meta.dirname, "esa-cli/node_modules");
const settings = await emulated();
let folder, door, environment;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "miaobu-esa-cli-"));
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const name = ["-subj", "/CN=emulator", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", ...kind, ...name, "-keyout", key, "-out", certificate], { stdio: "ignore" });
  const { hostname, port } = new URL(settings.ESA_ENDPOINT);
  door = createServer({ key: await readFile(key), cert: await readFile(certificate) }, (inside) => {
    const outside = connect(Number(port), hostname);
    inside.pipe(outside).pipe(inside);
    for (const socket of [inside, outside]) socket.on("error", () => inside.destroy() && outside.destroy());
  });
  await new Promise((resolve) => door.listen(0, "127.0.0.1", resolve));
  const project = join(folder, "hello");
  await cp(join(modules, "esa-template/src/hello_world"), project, { recursive: true });
  // Where the template has its title, a project has the routine's name.
  const told = await readFile(join(project, "esa.toml"), "utf8");
  await writeFile(join(project, "esa.toml"), told.replace("Hello World", "hello-world"));
  environment = {
    PATH: process.env.PATH,
    HOME: folder,
    CUSTOM_ENDPOINT: `127.0.0.1:${door.address().port}`,
    ESA_ACCESS_KEY_ID: KEY,
    ESA_ACCESS_KEY_SECRET: SECRET,
    NODE_EXTRA_CA_CERTS: certificate,
    // It asks a registry for newer versions of itself; nobody answers there.
    npm_config_registry: "http://127.0.0.1:9",
    npm_config_fetch_retries: "0",
  };
});

after(async () => {
  door.close();
  await rm(folder, { recursive: true });
});

/** Runs the tool in the template's folder: how it ended, and what it printed. */
const tool = (words, more) =>
  new Promise((resolve) => {
    const options = { cwd: join(folder, "hello"), env: { ...environment, ...more }, timeout: 120_000 };
    const program = execFile(process.execPath, [join(modules, "esa-cli/bin/enter.cjs"), ...words], options, (error, stdout, stderr) => {
      resolve({ status: error ? (error.code ?? 1) : 0, printed: stdout + stderr });
    });
    program.stdin.end();
  });

test("the tool deploys a routine of its own template, and visitors get it", async () => {
  const deployed = await tool(["deploy", "--description", "of a test"]);
  assert.equal(deployed.status, 0, deployed.printed);
  const added = await tool(["domain", "add", `hello.${ZONE}`]);
  assert.match(added.printed, /success/i, added.printed);
  assert.match(await visit(settings.EDGE, `hello.${ZONE}`), /<h1>Hello World<\/h1>/);
});

test("with a wrong secret it deploys nothing", async () => {
  const refused = await tool(["deploy", "--name", "other"], { ESA_ACCESS_KEY_SECRET: "wrong" });
  assert.notEqual(refused.status, 0, refused.printed);
  assert.match(refused.printed, /not logged in/i);
});
