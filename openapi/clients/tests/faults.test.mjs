// One program in each language, the same calls, against a server that misbehaves: every client must come through alike.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { temporaryFolder } from '../../../control/tests/site/platform.mjs';
import { languages } from './languages.mjs';
import { scripted } from './scripted.mjs';

const programs = { typescript: 'faults.mts', python: 'faults.py', go: 'faults.go', rust: '../../rust/examples/faults.rs' };
const PART = 8 * 1024 * 1024;
const sha256 = (bytes) => createHash('sha256').update(bytes).digest();

for (const [language, file] of Object.entries(programs)) {
  test(`the ${language} client comes through what networks and servers do`, async (t) => {
    const server = await scripted(t);
    const folder = await temporaryFolder(t);
    const large = Buffer.alloc(PART + 1000, 7);
    await mkdir(path.join(folder, 'dist/.git'), { recursive: true });
    await mkdir(path.join(folder, 'dist/docs'), { recursive: true });
    await writeFile(path.join(folder, 'dist/index.html'), 'hello');
    await writeFile(path.join(folder, 'dist/docs/large.bin'), large);
    await writeFile(path.join(folder, 'dist/.git/config'), 'secret');
    await writeFile(path.join(folder, 'dist/.env.local'), 'secret');
    const text = await readFile(path.resolve(import.meta.dirname, 'programs', file), 'utf8');
    // What a Rust example says of itself stands above the program.
    const { stdout } = await languages[language](folder, text, { MIAOBU_URL: server.url }, 'faults');
    assert.deepEqual(stdout.trim().split('\n'), [
      'made flaky',
      'sites site-1 site-2 site-3 site-4 site-6',
      'lines 1 2 3 7',
      'gaps 1',
      'problem 404 not_found r-1',
      'field /slug reserved_slug',
      'proxy 502 http_502',
      'uploaded deploying',
      'waited deployed',
    ]);

    const of = (what) => server.requests.filter((request) => request.what === what);
    const keys = of('POST /projects').map((request) => request.headers['idempotency-key']);
    assert.equal(keys.length, 5);
    assert.equal(new Set(keys.slice(0, 4)).size, 1, 'one key for all tries of a request');
    assert.notEqual(keys[4], keys[0], 'another for another request');
    for (const { what, headers } of server.requests) {
      assert.equal(headers.authorization, 'Bearer secret', what);
      if (what.startsWith('POST')) assert.ok(headers['idempotency-key'], what);
    }
    assert.deepEqual(of('GET /deployments/7/logs').map((request) => request.headers['last-event-id']), ['0', '2', '2']);
    assert.equal(of('GET /user').length, 2, 'as many tries as the client was told');
    const [patch] = of('PATCH /projects/flaky');
    // The types that progenitor makes cannot say null.
    const patched = { html_handling: 'drop', ...(language !== 'rust' && { not_found: null }) };
    assert.deepEqual(JSON.parse(patch.body), { settings: patched });
    assert.equal(patch.headers['if-match'], '"v1"');
    assert.equal(of('GET /deployments/7').at(0).url.search, '?wait=30');

    const [manifest] = of('POST /projects/flaky/deployments').map((request) => JSON.parse(request.body));
    assert.deepEqual(manifest.files.map(({ path, size_bytes }) => [path, size_bytes]).sort(), [['docs/large.bin', large.length], ['index.html', 5]]);
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(5n);
    assert.deepEqual(of('PUT /deployments/7/blobs').map((request) => request.body), [Buffer.concat([sha256('hello'), length, Buffer.from('hello')])]);
    const parts = of(`PUT /deployments/7/blobs/${sha256(large).toString('hex')}`);
    assert.deepEqual(parts.map(({ url, body }) => [Number(url.searchParams.get('offset') ?? 0), body.length]), [[0, PART], [0, PART], [PART, 1000]]);
  });
}
