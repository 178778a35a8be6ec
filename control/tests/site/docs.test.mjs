// The documentation as `scripts/run --with-docs` serves it: built, deployed on the platform itself, read in a browser.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { browser, watchedPage } from './browser.mjs';
import { platform, temporaryFolder } from './platform.mjs';

test('the documentation is served by the platform itself, in both languages', async (t) => {
  const folder = await temporaryFolder(t);
  await promisify(execFile)(path.resolve(import.meta.dirname, '../../../scripts/docs'), [folder, 'https://docs.example']);
  const miaobu = await platform(t, { args: ['--with-docs', folder], awaited: ['api', 'edge', 'login', 'docs'] });
  const { lines } = miaobu.server;
  const { page, complaints } = await watchedPage(await browser(t));
  await page.goto(new URL('/en/', lines.docs).href);
  assert.equal(await page.textContent('h1'), 'Miaobu');
  await page.click('main >> text=quick start');
  assert.equal(new URL(page.url()).pathname, '/en/quick-start');
  await page.click('text=中文');
  assert.equal(new URL(page.url()).pathname, '/zh/quick-start');
  assert.equal(await page.getAttribute('html', 'lang'), 'zh-Hans');
  await page.fill('#search input', '提升');
  await page.click('#search li a');
  assert.equal(new URL(page.url()).pathname, '/zh/deploy');
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(new URL('/en/api-deployments', lines.docs).href);
    assert.ok(await page.isVisible('#promoteDeployment'));
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `it is wider than ${width}`);
  }
  assert.deepEqual(complaints, []);
  // Every page answers under its clean address; the same files are deployed only once.
  const host = new URL(lines.docs).hostname;
  const pages = (await readdir(path.join(folder, 'zh'))).filter((name) => name.endsWith('.html') && name !== 'index.html');
  for (const name of pages) assert.equal((await miaobu.visit(host, `/zh/${name.replace('.html', '')}`)).status, 200, name);
  assert.equal((await miaobu.visit(host, '/zh/no-such-page')).status, 404);
  miaobu.server.child.kill('SIGTERM');
  await miaobu.server.ended;
  await miaobu.restart();
  const { data } = await miaobu.api('GET', '/api/v1/public/projects/miaobu-docs/deployments');
  assert.equal(data.length, 1);
});
