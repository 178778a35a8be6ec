// Sites and requests for the benchmarks of decisions: the same numbers give the same ones.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const FOLDER = 'projects/bench/1';
export const DEPLOYMENT = '1';
export const HOST = 'https://bench.example';

const WORDS = ('harbor lantern meadow copper willow ember signal cobalt orchard ribbon granite velvet timber marble saffron ' +
  'quartz beacon thicket mosaic canyon drift fable grove hinge island jigsaw kettle ledger magnet nectar opal').split(' ');

const TYPES = {
  html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', png: 'image/png', svg: 'image/svg+xml',
  woff2: 'font/woff2', json: 'application/json', webp: 'image/webp',
};
const CODED = new Set(['html', 'js', 'css', 'svg', 'json']);
// Past so many files, a site does not say how long their coded forms are.
const MOST_WITH_CODED_SIZES = 4096;

export const ENCODINGS = ['gzip, deflate, br, zstd', 'gzip, deflate, br', 'gzip', 'br;q=0.5, gzip;q=0.8'];

const HEADERS = [
  { path: '/*', set: [['x-frame-options', 'DENY'], ['permissions-policy', 'camera=()']] },
  { path: '/assets/*', set: [['access-control-allow-origin', '*']] },
  { path: '/blog/:slug', set: [['x-section', 'blog']] },
  { path: '/static/*', set: [['cache-control', 'public, max-age=86400']] },
  { path: '/docs/*', set: [['x-section', 'docs']] },
];

export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

function tools(seed) {
  const random = randomFrom(seed);
  const below = (limit) => Math.floor(random() * limit);
  const one = (list) => list[below(list.length)];
  const text = (alphabet, length) => Array.from({ length }, () => alphabet[below(alphabet.length)]).join('');
  return { random, below, one, word: () => one(WORDS), hex: (length) => text('0123456789abcdef', length), hash: () => `${text('ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz', 6)}${text('123456789', 2)}` };
}

/** A site of so many files and redirect rules, as the peers compile it. */
export function makeSite(fileCount, ruleCount) {
  const { random, below, one, word, hex, hash } = tools(1000 + fileCount + ruleCount);
  const files = new Map();
  const add = (name) => {
    const extension = name.slice(name.lastIndexOf('.') + 1);
    const size = 400 + below(60_000);
    const coded = CODED.has(extension) && size >= 1024 ? [0.25, 0.28, 0.3].map((part) => Math.floor(size * part)) : [0, 0, 0];
    files.set(name, { sha256: hex(64), type: TYPES[extension], size, coded, immutable: name.startsWith('/assets/') });
  };
  add('/index.html');
  add('/404.html');
  for (let number = 0; files.size < fileCount; number += 1) {
    const kind = random();
    if (kind < 0.4) add(`/assets/${word()}-${word()}-${hash()}.${one(['js', 'css', 'js'])}`);
    else if (kind < 0.7) add(`/${one(['blog', 'docs', 'guide'])}/${word()}-${word()}-${number}.html`);
    else if (kind < 0.85) add(`/${one(['docs', 'product'])}/${word()}/${word()}-${number}/index.html`);
    else add(`/static/${word()}/${word()}_${number}.${one(['png', 'svg', 'webp', 'woff2', 'json'])}`);
  }
  const redirects = Array.from({ length: ruleCount }, (_, number) => {
    const kind = random();
    if (kind < 0.7) return { from: `/old/${word()}-${word()}-${number}`, to: `/blog/${word()}-${number}`, status: 301 };
    if (kind < 0.85) return { from: `/legacy/${word()}-${number}/*`, to: `/${one(['docs', 'guide'])}/:splat`, status: 302 };
    if (kind < 0.95) return { from: `/news/${number}/:year/:slug`, to: '/blog/:slug?y=:year', status: 308 };
    return { from: `/go-${number}/:id`, to: `https://example.com/${word()}/:id`, status: 302 };
  });
  const withCodedSizes = files.size <= MOST_WITH_CODED_SIZES;
  return { files: Object.fromEntries(files), redirects, headers: HEADERS, folder: FOLDER, deployment: DEPLOYMENT, withCodedSizes };
}

/** Requests for a site: 45 % assets, 27 % pages, 10 % folders, 8 % rules, 5 % other spellings, 2 % escapes, 3 % nothing. */
export function makeRequests(site, count) {
  const { random, below, one } = tools(77);
  const names = Object.keys(site.files);
  const assets = names.filter((name) => !name.endsWith('.html'));
  const pages = names.filter((name) => name.endsWith('.html') && !/(\/index|\/404)\.html$/.test(name));
  const folders = names.filter((name) => name.endsWith('/index.html'));
  const some = (list, otherwise) => one(list.length > 0 ? list : otherwise);
  return Array.from({ length: count }, () => {
    const kind = random();
    const accept = random() < 0.9 ? ENCODINGS[0] : one(ENCODINGS);
    let path;
    let etag = null;
    if (kind < 0.45) {
      path = some(assets, ['/nowhere.png']);
      // What a browser got before, for the coding that it asks for.
      if (random() < 0.2 && site.files[path]) etag = `"${site.files[path].sha256.slice(0, 16)}${site.files[path].coded[0] > 0 ? '-br' : ''}"`;
    } else if (kind < 0.72) path = some(pages, ['/index.html']).slice(0, -5);
    else if (kind < 0.82) path = one(folders).slice(0, -10);
    else if (kind < 0.9 && site.redirects.length > 0) path = one(site.redirects).from.replace(':year', '2024').replace(/:\w+/, 'some-slug').replace('*', 'a/b/c');
    else if (kind < 0.925) path = some(pages, ['/index.html']);
    else if (kind < 0.95) path = one(folders).slice(0, -11) || '/index.html';
    else if (kind < 0.97) path = some(pages, ['/no-page.html']).slice(0, -5).replace('-', '%2D');
    else path = `/missing/${below(1e6)}`;
    return { method: 'GET', url: `${HOST}${path}${random() < 0.1 ? '?utm_source=feed' : ''}`, etag, accept };
  });
}

/** Has the repository's own builder make the site; returns its bytes and its record. */
export function build(site, folder, program) {
  const lines = Object.entries(site.files).map(([name, { sha256, size, coded }]) => `${name} ${sha256} ${size} ${coded.join(' ')}\n`);
  writeFileSync(path.join(folder, 'files'), lines.join(''));
  writeFileSync(path.join(folder, '_redirects'), site.redirects.map(({ from, to, status }) => `${from} ${to} ${status}\n`).join(''));
  const rules = site.headers.map(({ path: of, set }) => `${of}\n${set.map(([name, value]) => `  ${name}: ${value}\n`).join('')}`);
  writeFileSync(path.join(folder, '_headers'), rules.join(''));
  execFileSync(program, [folder], { stdio: ['ignore', 'inherit', 'inherit'] });
  return { blob: readFileSync(path.join(folder, 'site')), record: readFileSync(path.join(folder, 'record')) };
}

/** What the peers are given: the site as JSON, the tags made already. */
export function manifest(site) {
  const files = Object.entries(site.files).map(([name, { sha256, type, size, coded, immutable }]) => [name, [sha256.slice(0, 16), type, size, coded, immutable]]);
  return JSON.stringify({ ...site, files: Object.fromEntries(files) });
}
