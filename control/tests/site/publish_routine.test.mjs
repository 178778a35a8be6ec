// The routine published as continuous integration does it: what the workflow runs, with the settings that it names and no
// others, on an account that is emulated.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';

import { inherited, run, temporaryFolder } from './platform.mjs';

const root = path.resolve(import.meta.dirname, '../../..');
const workflow = readFileSync(path.join(root, '.github/workflows/publish-routine.yml'), 'utf8');

// The commands of a workflow as it is laid out here: a command in one line, its variables in the lines below.
function commands(text) {
  const steps = [...text.matchAll(/^( +)- run: (.+)\n((?:\1 .*\n?)*)/gm)];
  assert.equal(steps.length, [...text.matchAll(/\brun:/g)].length, 'each command is read');
  return steps.map(([, , run, rest]) => {
    const env = [...rest.matchAll(/^ +([A-Z_]+): (.+)$/gm)].map(([, name, value]) => [name, value]);
    assert.equal(env.length, [...rest.matchAll(/\S.*: /g)].length, 'each variable is read');
    return { run, env: Object.fromEntries(env) };
  });
}

// What the expressions of a workflow stand for.
function filled(text, { inputs, settings }) {
  return text.replace(/\$\{\{ (.+?) \}\}/g, (_, expression) => {
    const [, kind, name, otherwise] = /^(vars|secrets)\.([A-Z_]+)(?: \|\| '(.+)')?$/.exec(expression) ?? [];
    if (kind) {
      assert.ok(settings[name] ?? otherwise, `${name} is a setting`);
      return settings[name] ?? otherwise;
    }
    assert.equal(expression, "inputs.dry_run && '--dry-run' || ''");
    return inputs.dry_run ? '--dry-run' : '';
  });
}

let account;
const undo = [];

before(async () => {
  const folder = await temporaryFolder({ after: (step) => undo.push(step) });
  const services = ['console', 'oss', 'esa', 'alidns', 'fc', 'functions', 'sts', 'edge', 'staging'];
  const args = ['--folder', folder, '--public-bucket', 'sites', '--kv-staleness=0', ...services.map((name) => `--${name}-port=0`)];
  const emulator = spawn(process.env.MIAOBU_EMULATOR, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  undo.unshift(async () => {
    emulator.kill('SIGKILL');
    await once(emulator, 'close');
  });
  account = {};
  for await (const line of createInterface({ input: emulator.stdout })) {
    if (line.startsWith('#')) break;
    const [name, value] = line.split('=');
    account[name] = value;
  }
});

after(async () => {
  for (const step of undo) await step();
});

// Runs what the workflow runs, as its runner does. Only where the emulated account is, the workflow cannot say.
async function publish(inputs) {
  let told = '';
  for (const { run: text, env } of commands(workflow)) {
    const here = ['ESA_ENDPOINT', 'ESA_STAGING_ADDRESS', 'ESA_EDGE_ADDRESS'].map((name) => [`MIAOBU_${name}`, account[`MIAOBU_${name}`]]);
    const { MIAOBU_CACHE_DIR: cache } = process.env;
    const given = Object.entries(env).map(([name, value]) => [name, filled(value, { settings: account })]);
    const command = filled(text, { inputs, settings: account });
    const child = spawn('bash', ['-e', '-c', command], { cwd: root, env: { ...inherited, ...cache && { MIAOBU_CACHE_DIR: cache }, ...Object.fromEntries([...here, ...given]) }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => { told += chunk; });
    const [code] = await once(child, 'close');
    assert.equal(code, 0, `${command}\n${told}`);
  }
  return told;
}

test('the files that the workflow names are there', () => {
  const named = [...workflow.matchAll(/hashFiles\((.+?)\)/g)].flatMap(([, names]) => [...names.matchAll(/'(.+?)'/g)].map(([, name]) => name));
  assert.ok(named.length > 0);
  const scripts = commands(workflow).map(({ run: command }) => command.split(' ')[0]);
  for (const name of [...named, ...scripts]) assert.ok(existsSync(path.join(root, name)), name);
});

test('by default it says what it would do, and does nothing', async () => {
  const [, dry] = /dry_run:\n(?: +.*\n)*? +default: (\w+)/.exec(workflow);
  assert.equal(dry, 'true');
  const told = await publish({ dry_run: true });
  const steps = told.split('\n').filter((line) => line.startsWith('would: '));
  assert.match(steps[0], /upload/);
  assert.equal(steps.at(-1), 'would: nothing is left to do');
  assert.ok(steps.length > 3, told);
});

test('it publishes what this checkout has, once, and says so', async () => {
  const first = await publish({ dry_run: false });
  const [, version] = /^published: (\S+)/m.exec(first) ?? assert.fail(first);
  assert.match(first, /^step: look at what staging/m);
  // The same program again: the script would only build and compare once more.
  const again = await run('miaobu-control', ['routine', 'publish'], account);
  assert.match(again.stdout, new RegExp(`^published: ${version}`, 'm'), again.stderr);
  assert.doesNotMatch(again.stdout, /^step: /m, 'the same code twice does nothing');
  const versions = await run('miaobu-control', ['routine', 'versions'], account);
  const commit = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
  assert.match(versions.stdout, new RegExp(`^${version} .* ${commit}$`, 'm'));
});
