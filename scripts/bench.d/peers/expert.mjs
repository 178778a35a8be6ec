// What an expert would write by hand in JavaScript: a trie of rules, a Map of files under the names that they have in URLs, answers
// for each file and coding and headers for each set of rules made once, no regular expression and no new object where an answer
// is there. With a Map of all URLs as well, one look finds what is served, at the price of another entry for each file.

const REVALIDATE = 'public, max-age=0, must-revalidate';
const FOR_EVER = 'public, max-age=31536000, immutable';
const NAMES = ['br', 'zstd', 'gzip'];
const SUFFIXES = ['br', 'zst', 'gz'];
const NONE = 1 << 30;
const MAX_ENCODINGS = 256;

/** One of the characters that stand for themselves in a path. */
const PLAIN = new Uint8Array(128);
for (const character of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()$&,;=:@/") PLAIN[character.charCodeAt(0)] = 1;

/** Compiles a site from the text of its manifest. */
export function compile(text, withUrls = false) {
  const record = JSON.parse(text);
  const site = {
    files: new Map(), urls: withUrls ? new Map() : null, root: node(), rules: [], headers: record.headers.map(({ path, set }) => ({ ...matcher(path), set: Object.fromEntries(set) })),
    folder: record.folder, deployment: record.deployment, withCodedSizes: record.withCodedSizes,
    redirects: new Map(), encodings: new Map(), lastEncoding: undefined, lastOrder: null, best: NONE,
  };
  for (const [name, [tag, type, size, coded, immutable]] of Object.entries(record.files)) {
    const varies = coded[0] > 0 || coded[1] > 0 || coded[2] > 0;
    site.files.set(encode(name), { name, tag, type, size, coded, immutable, varies, url: name, answers: [undefined, undefined, undefined, undefined], missing: new Map() });
  }
  for (const file of site.files.values()) {
    file.url = encode(urlOf(site.files, file.name));
    site.urls?.set(file.url, file);
  }
  record.redirects.forEach((rule, place) => add(site, rule, place));
  return site;
}

function urlOf(files, name) {
  if (name.endsWith('/index.html')) return name.slice(0, -10);
  if (!name.endsWith('.html') || name.endsWith('/.html')) return name;
  const clean = name.slice(0, -5);
  return files.has(encode(clean)) ? name : clean;
}

/** The file that is served at a URL, which is spelled as it should be when there is one. */
function served({ files, urls }, raw) {
  if (urls !== null) return urls.get(raw);
  if (raw.charCodeAt(raw.length - 1) === 47) return files.get(`${raw}index.html`);
  const file = files.get(raw) ?? files.get(`${raw}.html`);
  return file === undefined || file.url === raw ? file : undefined;
}

function node() {
  return { fixed: null, one: null, rest: NONE, end: NONE, least: NONE };
}

function add(site, { from, to, status }, place) {
  let at = site.root;
  const places = new Map();
  const segments = from.slice(1).split('/');
  let closed = false;
  at.least = Math.min(at.least, place);
  for (const [index, segment] of segments.entries()) {
    if (segment === '*') {
      at.rest = Math.min(at.rest, place);
      places.set('splat', { index, rest: true });
      closed = true;
      break;
    }
    if (segment.startsWith(':')) {
      places.set(segment.slice(1), { index, rest: false });
      at = at.one ??= node();
    } else {
      at.fixed ??= new Map();
      if (!at.fixed.has(segment)) at.fixed.set(segment, node());
      at = at.fixed.get(segment);
    }
    at.least = Math.min(at.least, place);
  }
  if (!closed) at.end = Math.min(at.end, place);
  const texts = [];
  const captures = [];
  let text = '';
  for (const part of to.split(/(:\w+)/)) {
    if (places.has(part.slice(1)) && part.startsWith(':')) {
      texts.push(text);
      captures.push(places.get(part.slice(1)));
      text = '';
    } else text += part;
  }
  texts.push(text);
  site.rules.push({ texts, captures, status, hasQuery: to.includes('?') });
}

function walk(site, at, path, from) {
  if (at.least >= site.best) return;
  if (at.rest < site.best) site.best = at.rest;
  if (from > path.length) {
    if (at.end < site.best) site.best = at.end;
    return;
  }
  let end = path.indexOf('/', from);
  if (end < 0) end = path.length;
  if (at.fixed !== null) {
    const next = at.fixed.get(path.slice(from, end));
    if (next !== undefined) walk(site, next, path, end + 1);
  }
  if (at.one !== null && end > from) walk(site, at.one, path, end + 1);
}

function render({ texts, captures }, path) {
  let out = texts[0];
  for (let index = 0; index < captures.length; index += 1) {
    let start = 1;
    for (let skipped = 0; skipped < captures[index].index; skipped += 1) {
      const slash = path.indexOf('/', start);
      start = slash < 0 ? path.length + 1 : slash + 1;
    }
    let end = captures[index].rest ? path.length : path.indexOf('/', start);
    if (end < 0) end = path.length;
    out += path.slice(start, end) + texts[index + 1];
  }
  return out;
}

// Rules of headers: all paths, those that begin so, or one whose segments match.
function matcher(pattern) {
  if (pattern === '/*') return { kind: 0, text: '', segments: null };
  if (pattern.endsWith('/*') && !pattern.includes(':')) return { kind: 1, text: pattern.slice(0, -2), segments: null };
  return pattern.includes(':') ? { kind: 2, text: '', segments: pattern.slice(1).split('/') } : { kind: 3, text: pattern, segments: null };
}

function matchesSegments(segments, path) {
  let at = 1;
  for (const segment of segments) {
    if (segment === '*') return true;
    if (at > path.length) return false;
    let end = path.indexOf('/', at);
    if (end < 0) end = path.length;
    if (segment.charCodeAt(0) === 58) {
      if (end === at) return false;
    } else if (end - at !== segment.length || !path.startsWith(segment, at)) return false;
    at = end + 1;
  }
  return at > path.length;
}

function maskOf(headers, path) {
  let mask = 0;
  for (let index = 0; index < headers.length; index += 1) {
    const { kind, text, segments } = headers[index];
    const matches = kind === 0 || (kind === 1 ? path.startsWith(text) && (path.length === text.length || path.charCodeAt(text.length) === 47) : kind === 2 ? matchesSegments(segments, path) : path === text);
    if (matches) mask |= 1 << index;
  }
  return mask;
}

function apply(site, mask, base, own) {
  site.headers.forEach(({ set }, index) => {
    if ((mask >> index) & 1) for (const name in set) if (own || name !== 'cache-control') base[name] = set[name];
  });
}

/** The answers for a file in a coding: with its bytes, and without for whoever has them. */
function answersOf(site, file, coding) {
  const base = baseOf(site, file);
  const tag = coding === 3 ? `"${file.tag}"` : `"${file.tag}-${SUFFIXES[coding]}"`;
  const { 'content-type': type, ...rest } = base;
  const held = { ...rest, etag: tag };
  const headers = { ...base, etag: tag };
  if (coding === 3) headers['accept-ranges'] = 'bytes';
  encoded(site, file, coding, headers);
  const key = keyOf(site, file, coding);
  return (file.answers[coding] = { tag, whole: { status: 200, key, location: undefined, headers }, held: { status: 304, key: undefined, location: undefined, headers: held } });
}

function baseOf(site, file) {
  const base = {
    'content-type': file.type, 'cache-control': file.immutable ? FOR_EVER : REVALIDATE, 'x-content-type-options': 'nosniff',
    'referrer-policy': 'strict-origin-when-cross-origin', 'x-miaobu-deployment': site.deployment,
  };
  apply(site, maskOf(site.headers, file.url), base, true);
  if (file.varies) base.vary = 'Accept-Encoding';
  return base;
}

function encoded(site, file, coding, headers) {
  if (coding === 3) headers['content-length'] = String(file.size);
  else {
    headers['content-encoding'] = NAMES[coding];
    if (site.withCodedSizes) headers['content-length'] = String(file.coded[coding]);
  }
}

const keyOf = (site, file, coding) => (coding === 3 ? site.folder : `${site.folder}.${SUFFIXES[coding]}`) + file.name;

function missing(site, file, mask, coding) {
  const headers = baseOf(site, file);
  apply(site, mask, headers, false);
  headers['cache-control'] = 'no-store';
  encoded(site, file, coding, headers);
  return { status: 404, key: keyOf(site, file, coding), location: undefined, headers };
}

// For each set of stored codings, which one a header wants: 3 for the file as it is.
function orderOf(header) {
  const named = new Map();
  for (const part of header.split(',')) {
    const [name, ...parameters] = part.trim().split(/\s*;\s*/);
    const weight = parameters.find((parameter) => /^q=/i.test(parameter));
    if (name) named.set(name.toLowerCase(), weight ? Number(weight.slice(2)) : 1);
  }
  const any = named.get('*') ?? 0;
  const least = Math.min(1, ...[...named.values()].filter((weight) => weight > 0));
  const identity = named.get('identity') ?? named.get('*') ?? least;
  return Uint8Array.from({ length: 8 }, (_, stored) => {
    let best = 3;
    let most = 0;
    for (let coding = 0; coding < 3; coding += 1) {
      const weight = named.get(NAMES[coding]) ?? any;
      if ((stored >> coding) & 1 && weight > most) [best, most] = [coding, weight];
    }
    return identity > most ? 3 : best;
  });
}

function wanted(site, accept, file) {
  if (accept === null || !file.varies) return 3;
  if (accept !== site.lastEncoding) {
    let order = site.encodings.get(accept);
    if (order === undefined) {
      if (site.encodings.size >= MAX_ENCODINGS) site.encodings.clear();
      site.encodings.set(accept, (order = orderOf(accept)));
    }
    site.lastEncoding = accept;
    site.lastOrder = order;
  }
  const { coded } = file;
  return site.lastOrder[(coded[0] > 0 ? 1 : 0) | (coded[1] > 0 ? 2 : 0) | (coded[2] > 0 ? 4 : 0)];
}

function holds(header, tag) {
  if (header === tag) return true;
  if (header.length === tag.length + 2 && header.startsWith('W/')) return header.endsWith(tag);
  return header.length > tag.length && header.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
}

function isPlain(path) {
  let previous = 0;
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index);
    if (code > 127 || PLAIN[code] === 0 || (previous === 47 && (code === 47 || code === 46))) return false;
    previous = code;
  }
  return true;
}

function decoded(raw) {
  const out = [];
  const segments = raw.split('/');
  for (let index = 1; index < segments.length; index += 1) {
    let text = segments[index];
    try { text = decodeURIComponent(text); } catch { /* stays as it is */ }
    const last = index === segments.length - 1;
    if (text === '..') out.pop();
    if (text === '.' || text === '..') { if (last) out.push(''); } else if (text !== '' || last) out.push(text);
  }
  return `/${out.join('/')}`;
}

const encode = (path) => (isPlain(path) ? path : encodeURI(path).replace(/[#?[\]+]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`));

/** Where a path that is no URL of a file should be asked for instead. */
function elsewhere(files, path) {
  if (!path.endsWith('/') && files.has(path)) return path.endsWith('/index.html') ? path.slice(0, -10) : path.slice(0, -5);
  const length = path.endsWith('/index.html') ? 11 : path.endsWith('.html') ? 5 : path.endsWith('/index') ? 6 : path.endsWith('/') ? 1 : 0;
  const stem = length === 0 ? path : path.slice(0, -length);
  if (files.has(`${stem}/index.html`)) return `${stem}/`;
  return length > 0 && stem !== '' && !stem.endsWith('/') && !files.has(stem) && files.has(`${stem}.html`) ? stem : undefined;
}

function redirect(site, path, status, location) {
  const mask = maskOf(site.headers, path);
  let base = site.redirects.get(mask);
  if (base === undefined) {
    base = { 'cache-control': REVALIDATE, 'content-length': '0', 'x-miaobu-deployment': site.deployment };
    apply(site, mask, base, true);
    site.redirects.set(mask, base);
  }
  return { status, key: undefined, location, headers: base };
}

function ofFile(site, file, etag, accept) {
  const coding = wanted(site, accept, file);
  const answers = file.answers[coding] ?? answersOf(site, file, coding);
  return etag !== null && holds(etag, answers.tag) ? answers.held : answers.whole;
}

/** Answers a request: what status, which object, which headers. */
export function decide(site, method, target, etag, accept) {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, key: undefined, location: undefined, headers: { allow: 'GET, HEAD' } };
  const at = target.indexOf('?');
  const raw = at < 0 ? target : target.slice(0, at);
  const file = served(site, raw);
  if (file !== undefined) return ofFile(site, file, etag, accept);
  return unusual(site, raw, at < 0 ? '' : target.slice(at), etag, accept);
}

function unusual(site, raw, query, etag, accept) {
  const path = isPlain(raw) ? raw : decoded(raw);
  const spelled = encode(path);
  const file = spelled === raw ? undefined : served(site, spelled);
  if (file !== undefined) return redirect(site, raw, 308, spelled + query);
  const at = elsewhere(site.files, spelled);
  if (at !== undefined) return redirect(site, raw, 308, at + query);
  if (site.rules.length > 0) {
    site.best = NONE;
    walk(site, site.root, raw, 1);
    if (site.best !== NONE) {
      const rule = site.rules[site.best];
      const location = rule.captures.length === 0 ? rule.texts[0] : render(rule, raw);
      return redirect(site, raw, rule.status, rule.hasQuery ? location : location + query);
    }
  }
  for (let end = spelled.lastIndexOf('/'); end >= 0; end = spelled.lastIndexOf('/', end - 1)) {
    const page = site.files.get(`${spelled.slice(0, end)}/404.html`);
    if (page !== undefined) {
      const coding = wanted(site, accept, page);
      const mask = maskOf(site.headers, raw) * 4 + coding;
      let answer = page.missing.get(mask);
      if (answer === undefined) page.missing.set(mask, (answer = missing(site, page, mask >> 2, coding)));
      return answer;
    }
    if (end === 0) break;
  }
  return { status: 404, key: undefined, location: undefined, headers: {} };
}

export const headersOf = ({ headers, location }) => (location === undefined ? headers : { ...headers, location });
