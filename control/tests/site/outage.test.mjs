import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { inherited, platform, start, temporaryFolder } from './platform.mjs';

async function folderOf(t, files) {
  const folder = await temporaryFolder(t);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
  return folder;
}

test('the edge alone serves on while the control plane is down, and hears of the next deployment', async (t) => {
  const miaobu = await platform(t, { args: ['--no-edge'], awaited: ['api', 'login'] });
  const edge = await start(t, 'miaobu-control', ['edge'], miaobu.env, ['edge']);
  miaobu.server.lines.edge = edge.lines.edge;
  const folder = await folderOf(t, { 'index.html': 'one' });
  await miaobu.deploy(folder, 'steady');

  miaobu.server.child.kill('SIGKILL');
  await miaobu.server.ended;
  const alone = await miaobu.visit('steady.localhost', '/');
  assert.equal(alone.body.toString(), 'one');

  await miaobu.restart();
  miaobu.server.lines.edge = edge.lines.edge;
  await writeFile(path.join(folder, 'index.html'), 'two');
  await miaobu.deploy(folder, 'steady');
  assert.equal((await miaobu.visit('steady.localhost', '/')).body.toString(), 'two');
});

test('a deploy that is killed half way goes on where it was when it is run again', async (t) => {
  const miaobu = await platform(t);
  const files = { 'index.html': 'here' };
  for (let index = 0; index < 40; index += 1) files[`large/${index}.bin`] = randomBytes(1024 * 1024);
  const folder = await folderOf(t, files);
  const programs = path.resolve(process.env.MIAOBU_PROGRAMS ?? 'target/release');
  const first = spawn(path.join(programs, 'miaobu'), ['deploy', folder, '--project', 'resumed'], {
    env: { ...inherited, ...miaobu.cliEnvironment }, stdio: 'ignore',
  });
  // Killed as soon as the server has some of its bytes.
  const stored = async () => {
    const list = await miaobu.api('GET', '/api/v1/public/projects/resumed/deployments').catch(() => ({ data: [] }));
    if (list.data.length === 0) return false;
    const upload = await miaobu.api('GET', `/api/v1/public/deployments/${list.data[0].id}/upload`).catch(() => null);
    return upload !== null && upload.data.missing.length < 41;
  };
  const ended = once(first, 'exit');
  while (first.exitCode === null && !(await stored())) { /* asks again: each question is a round trip */ }
  first.kill('SIGKILL');
  await ended;

  const second = await miaobu.deploy(folder, 'resumed');
  assert.equal(second.status, 'deployed');
  assert.ok(second.uploaded_files < 41, `${second.uploaded_files} of 41 files were sent again`);
  const served = await miaobu.visit('resumed.localhost', '/large/39.bin');
  assert.deepEqual(served.body, files['large/39.bin']);
});
