// A good routine written by hand in JavaScript: rules compiled once into a Map and regular expressions, files in a Map, plain
// objects as headers. What it is asked for it answers as the core does; it knows no more than that.

const REVALIDATE = 'public, max-age=0, must-revalidate';
const FOR_EVER = 'public, max-age=31536000, immutable';
const CODINGS = [['br', 'br'], ['zstd', 'zst'], ['gzip', 'gz']];
const PLAIN = /^(?:\/(?!\.)(?:[A-Za-z0-9\-_.!~*'()$&,;=:@])*)+$/;

const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function expression(pattern) {
  const source = pattern.split('/').slice(1).map((segment) => {
    if (segment === '*') return '(?:/(?<splat>.*))?';
    return segment.startsWith(':') ? `/(?<${segment.slice(1)}>[^/]+)` : `/${escaped(segment)}`;
  });
  return new RegExp(`^${source.join('')}$`);
}

const isDynamic = (pattern) => /[:*]/.test(pattern);

/** Compiles a site from the text of its manifest. */
export function compile(text) {
  const site = JSON.parse(text);
  const files = new Map();
  for (const [name, [tag, type, size, coded, immutable]] of Object.entries(site.files)) files.set(name, { name, tag, type, size, coded, immutable, varies: coded.some((length) => length > 0) });
  const fixed = new Map();
  const dynamic = [];
  site.redirects.forEach(({ from, to, status }, place) => {
    const rule = { place, to, status, hasQuery: to.includes('?') };
    if (isDynamic(from)) dynamic.push({ ...rule, expression: expression(from) });
    else if (!fixed.has(from)) fixed.set(from, rule);
  });
  const headers = site.headers.map(({ path, set }) => ({ expression: expression(path), set: Object.fromEntries(set) }));
  return { files, fixed, dynamic, headers, folder: site.folder, deployment: site.deployment, withCodedSizes: site.withCodedSizes };
}

const known = new Map();

function weights(header) {
  if (known.has(header)) return known.get(header);
  if (known.size >= 256) known.clear();
  const named = new Map();
  known.set(header, named);
  for (const part of header.split(',')) {
    const [name, ...parameters] = part.trim().split(/\s*;\s*/);
    const weight = parameters.find((parameter) => /^q=/i.test(parameter));
    if (name) named.set(name.toLowerCase(), weight ? Number(weight.slice(2)) : 1);
  }
  return named;
}

function negotiate(header, file) {
  if (header === null || !file.varies) return -1;
  const named = weights(header);
  const weightOf = (name) => named.get(name) ?? named.get('*') ?? 0;
  let best = -1;
  let most = 0;
  CODINGS.forEach(([name], index) => {
    if (file.coded[index] > 0 && weightOf(name) > most) [best, most] = [index, weightOf(name)];
  });
  const accepted = [...named.values()].filter((weight) => weight > 0);
  const identity = named.get('identity') ?? named.get('*') ?? Math.min(1, ...accepted);
  return identity > most ? -1 : best;
}

function lists(header, tag) {
  return header.trim() === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
}

function rulesFor(site, path, headers, own) {
  for (const { expression, set } of site.headers) {
    if (!expression.test(path)) continue;
    for (const name in set) if (own || name !== 'cache-control') headers[name] = set[name];
  }
}

function redirect(site, path, status, location) {
  const headers = { 'cache-control': REVALIDATE, 'content-length': '0', 'x-miaobu-deployment': site.deployment };
  rulesFor(site, path, headers, true);
  headers.location = location;
  return { status, key: undefined, headers };
}

function serve(site, file, path, status, etag, accept) {
  const headers = {
    'content-type': file.type, 'cache-control': file.immutable ? FOR_EVER : REVALIDATE, 'x-content-type-options': 'nosniff',
    'referrer-policy': 'strict-origin-when-cross-origin', 'x-miaobu-deployment': site.deployment,
  };
  if (status === 404) rulesFor(site, file.name.slice(0, -5), headers, true);
  rulesFor(site, path, headers, status === 200);
  if (status === 404) headers['cache-control'] = 'no-store';
  const coding = negotiate(accept, file);
  if (file.varies) headers.vary = 'Accept-Encoding';
  if (status === 200) {
    const tag = coding < 0 ? `"${file.tag}"` : `"${file.tag}-${CODINGS[coding][1]}"`;
    headers.etag = tag;
    if (etag !== null && lists(etag, tag)) {
      delete headers['content-type'];
      return { status: 304, key: undefined, headers };
    }
    if (coding < 0) headers['accept-ranges'] = 'bytes';
  }
  if (coding < 0) headers['content-length'] = String(file.size);
  else {
    headers['content-encoding'] = CODINGS[coding][0];
    if (site.withCodedSizes) headers['content-length'] = String(file.coded[coding]);
  }
  return { status, key: `${site.folder}${coding < 0 ? '' : `.${CODINGS[coding][1]}`}${file.name}`, headers };
}

function read(raw) {
  if (PLAIN.test(raw)) return [raw, true];
  const out = [];
  const segments = raw.split('/').slice(1);
  segments.forEach((segment, index) => {
    let text = segment;
    try { text = decodeURIComponent(segment); } catch { /* stays as it is */ }
    const last = index === segments.length - 1;
    if (text === '..') out.pop();
    if (text === '.' || text === '..') { if (last) out.push(''); } else if (text !== '' || last) out.push(text);
  });
  const path = `/${out.join('/')}`;
  return [path, encode(path) === raw];
}

const encode = (path) => encodeURI(path).replace(/[#?[\]+]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** What a path means: a file, where it should be asked for instead, or nothing. */
function find(files, path) {
  const own = path.endsWith('/') ? undefined : files.get(path);
  if (own) {
    if (!path.endsWith('.html')) return { file: own };
    if (path.endsWith('/index.html')) return { at: path.slice(0, -10) };
    const clean = path.slice(0, -5);
    return files.has(clean) || clean.endsWith('/') ? { file: own } : { at: clean };
  }
  const ending = ['/index.html', '.html', '/index', '/'].find((one) => path.endsWith(one)) ?? '';
  const stem = path.slice(0, path.length - ending.length);
  const page = stem === '' || stem.endsWith('/') || files.has(stem) ? undefined : files.get(`${stem}.html`);
  const index = files.get(`${stem}/index.html`);
  if (page && (ending === '' || !index)) return ending === '' ? { file: page } : { at: stem };
  if (!index) return undefined;
  return ending === '/' ? { file: index } : { at: `${stem}/` };
}

function applies(site, path) {
  let found = site.fixed.get(path);
  for (const rule of site.dynamic) {
    if (found && found.place < rule.place) break;
    const match = rule.expression.exec(path);
    if (match) return { ...rule, to: rule.to.replace(/:(\w+)/g, (all, name) => (name in match.groups ? match.groups[name] ?? '' : all)) };
  }
  return found;
}

/** Answers a request: what status, which object, which headers. */
export function decide(site, method, target, etag, accept) {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, key: undefined, headers: { allow: 'GET, HEAD' } };
  const at = target.indexOf('?');
  const raw = at < 0 ? target : target.slice(0, at);
  const query = at < 0 ? '' : target.slice(at);
  const [path, canonical] = read(raw);
  const found = find(site.files, path);
  if (found?.at !== undefined) return redirect(site, raw, 308, encode(found.at) + query);
  if (found) return canonical ? serve(site, found.file, path, 200, etag, accept) : redirect(site, raw, 308, encode(path) + query);
  const rule = applies(site, raw);
  if (rule) return redirect(site, raw, rule.status, rule.hasQuery ? rule.to : rule.to + query);
  for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
    const page = site.files.get(`${path.slice(0, end)}/404.html`);
    if (page) return serve(site, page, raw, 404, etag, accept);
    if (end === 0) break;
  }
  return { status: 404, key: undefined, headers: {} };
}

export const headersOf = ({ headers }) => headers;
