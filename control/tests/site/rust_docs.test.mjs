import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { browser, watchedPage } from './browser.mjs';
import { platform, temporaryFolder } from './platform.mjs';

const command = promisify(execFile);

// The documentation that rustup installs; without it, the standard library's pages are the only thing to miss, so the
// component is asked for.
async function rustDocumentation() {
  const { stdout } = await command('rustc', ['--print', 'sysroot']);
  const folder = path.join(stdout.trim(), 'share/doc/rust/html');
  if (!(await stat(folder).catch(() => null))) await command('rustup', ['component', 'add', 'rust-docs']);
  return folder;
}

test('the Rust documentation is deployed, browsed and searched, and deployed again with one file changed', async (t) => {
  const miaobu = await platform(t);
  const copy = path.join(await temporaryFolder(t), 'rust-docs');
  await mkdir(copy);
  await cp(await rustDocumentation(), copy, { recursive: true });

  const first = await miaobu.deploy(copy, 'rust-docs');
  assert.equal(first.status, 'deployed');
  assert.ok(first.files > 10_000, `${first.files} files`);

  const { page, complaints } = await watchedPage(await browser(t));
  await page.goto(first.url);
  await page.click('a[href="std/index.html"]');
  await page.waitForURL('**/std/');
  assert.match(await page.title(), /^std - Rust$/);
  await page.click('a[href="vec/index.html"]');
  await page.click('a.struct[href="struct.Vec.html"]');
  assert.match(await page.title(), /^Vec in std::vec/);
  await page.keyboard.press('s');
  await page.keyboard.type('hashmap', { delay: 5 });
  await page.waitForSelector('#results a[href*="struct.HashMap.html"], #search a[href*="struct.HashMap.html"]');
  const fonts = await page.evaluate(async () => { await document.fonts.ready; return [...document.fonts].filter((font) => font.status === 'loaded').length; });
  assert.ok(fonts > 0, 'no font was loaded');
  assert.deepEqual(complaints, []);

  await appendFile(path.join(copy, 'std/vec/struct.Vec.html'), '<!-- changed -->');
  const second = await miaobu.deploy(copy, 'rust-docs');
  assert.equal(second.uploaded_files, 1);
  const served = await miaobu.visit('rust-docs.localhost', '/std/vec/struct.Vec');
  assert.equal(served.headers['x-miaobu-deployment'], String(second.deployment_id));
  assert.deepEqual(served.body, await readFile(path.join(copy, 'std/vec/struct.Vec.html')));
  const pinned = await miaobu.visit(new URL(first.pinned_url).hostname, '/std/vec/struct.Vec');
  assert.doesNotMatch(pinned.body.toString(), /<!-- changed -->/);
  assert.equal(pinned.headers['x-robots-tag'], 'noindex');
});
