import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { build } from 'vite';

import { browser, watchedPage } from './browser.mjs';
import { platform, temporaryFolder } from './platform.mjs';

// A page with a router of its own: what it shows depends on the path.
const source = {
  'index.html': `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Router</title>
    <link rel="icon" href="data:,"></head><body><nav><a href="/">home</a> <a href="/users/7">user</a></nav><h1></h1>
    <script type="module" src="/main.js"></script></body></html>`,
  'main.js': `import './style.css';
    const show = () => { document.querySelector('h1').textContent = location.pathname; };
    const lazy = () => import('./lazy.js').then((module) => { document.body.dataset.lazy = module.word; });
    document.addEventListener('click', (event) => {
      if (event.target.tagName !== 'A') return;
      event.preventDefault(); history.pushState(null, '', event.target.href); show(); lazy();
    });
    show();`,
  'lazy.js': `export const word = 'loaded';`,
  'style.css': 'h1 { color: rgb(1, 2, 3); }',
};

test('a site built with Vite is served with hashed assets for ever and routes of its own', async (t) => {
  const miaobu = await platform(t);
  const folder = await temporaryFolder(t);
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(source)) await writeFile(path.join(folder, name), text);
  await build({ root: folder, logLevel: 'error', configFile: false });
  await miaobu.api('POST', '/api/v1/public/projects', { slug: 'router', settings: { not_found: 'single_page' } });

  const deployed = await miaobu.deploy(path.join(folder, 'dist'), 'router');
  const { page, complaints } = await watchedPage(await browser(t));
  await page.goto(deployed.url);
  await page.click('text=user');
  assert.equal(await page.textContent('h1'), '/users/7');
  await page.waitForSelector('body[data-lazy=loaded]');
  await page.reload();
  assert.equal(await page.textContent('h1'), '/users/7', 'the route survives a reload');
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('h1')).color), 'rgb(1, 2, 3)');
  assert.deepEqual(complaints, []);

  const [script] = (await readdir(path.join(folder, 'dist/assets'))).filter((name) => name.endsWith('.js'));
  const asset = await miaobu.visit('router.localhost', `/assets/${script}`);
  assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.equal(asset.headers['content-type'], 'text/javascript; charset=utf-8');
  const navigation = { 'sec-fetch-mode': 'navigate', accept: 'text/html' };
  const shell = await miaobu.visit('router.localhost', '/users/8', navigation);
  assert.equal(shell.status, 200);
  assert.equal(shell.headers['cache-control'], 'public, max-age=0, must-revalidate');
  const missing = await miaobu.visit('router.localhost', '/assets/gone.js', { 'sec-fetch-mode': 'no-cors', accept: '*/*' });
  assert.equal(missing.status, 404, 'a missing script is no page');
});
