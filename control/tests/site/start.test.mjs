import assert from 'node:assert/strict';
import { test } from 'node:test';

import { browser, watchedPage } from './browser.mjs';
import { platform, run } from './platform.mjs';

test('a first start deploys the sample site, and a browser shows it', async (t) => {
  const miaobu = await platform(t, { args: ['--with-sample'], awaited: ['api', 'edge', 'dashboard', 'login', 'sample'] });
  const { lines } = miaobu.server;
  const { page, complaints } = await watchedPage(await browser(t));
  await page.goto(lines.sample);
  assert.equal(await page.textContent('h1'), 'It is live.');
  await page.click('text=A clean URL');
  assert.equal(new URL(page.url()).pathname, '/about');
  assert.deepEqual(complaints, []);
  await page.goto(new URL('/no/such/page', lines.sample).href);
  assert.equal(await page.textContent('h1'), 'Nothing here');
});

test('a second start keeps what there is and deploys nothing', async (t) => {
  const miaobu = await platform(t, { args: ['--with-sample'], awaited: ['api', 'edge', 'login', 'sample'] });
  miaobu.server.child.kill('SIGTERM');
  assert.deepEqual(await miaobu.server.ended, [0, null]);
  await miaobu.restart();
  const { data } = await miaobu.api('GET', '/api/v1/public/projects/hello/deployments');
  assert.equal(data.length, 1);
  assert.equal((await miaobu.visit('hello.localhost', '/')).status, 200);
});

test('a port in use is named, with the setting that changes it', async (t) => {
  const miaobu = await platform(t);
  const { port } = new URL(miaobu.server.lines.api);
  const data = `${miaobu.data}-other`;
  const second = await run('miaobu-control', ['serve'], { ...miaobu.env, MIAOBU_DATA_DIR: data });
  assert.equal(second.code, 1);
  assert.match(second.stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.match(second.stderr, /MIAOBU_API_ADDR/);
});

test('a second server on the same data folder is refused', async (t) => {
  const miaobu = await platform(t);
  const other = { ...miaobu.env, MIAOBU_API_ADDR: '127.0.0.1:0', MIAOBU_EDGE_ADDR: '127.0.0.1:0' };
  const second = await run('miaobu-control', ['serve'], other);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /data folder|data directory|in use/i);
});

test('what was deployed survives kill -9 of the server', async (t) => {
  const miaobu = await platform(t, { args: ['--with-sample'], awaited: ['api', 'edge', 'login', 'sample'] });
  miaobu.server.child.kill('SIGKILL');
  await miaobu.server.ended;
  await miaobu.restart();
  const page = await miaobu.visit('hello.localhost', '/');
  assert.equal(page.status, 200);
  assert.match(page.body.toString(), /It is live/);
});
