// Cloudflare's asset worker as miniflare's package has it, with the same site. It reads files from a KV by the hash of their
// content; here that is made of the file's type, so that storage knows the type that goes with it, and of its place.
import { createHash } from 'node:crypto';

const ENTRY = 40;
const HEAD = 20;

const contentHash = (types, type, place) => Buffer.from([types.indexOf(type), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, place >> 8, place & 255]);

function manifest(files, types) {
  const entries = Object.entries(files).map(([name, { type }], place) => {
    const entry = Buffer.alloc(ENTRY);
    createHash('sha256').update(name).digest().copy(entry, 0, 0, 16);
    contentHash(types, type, place).copy(entry, 16);
    return entry;
  });
  return Buffer.concat([Buffer.alloc(HEAD), ...entries.sort(Buffer.compare)]);
}

function configuration({ redirects, headers }) {
  const staticRules = {};
  const rules = {};
  redirects.forEach(({ from, to, status }, place) => {
    if (/[:*]/.test(from)) rules[from] = { status, to };
    else staticRules[from] = { status, to, lineNumber: place + 1 };
  });
  const set = Object.fromEntries(headers.map(({ path, set: fields }) => [path, { set: Object.fromEntries(fields) }]));
  return {
    html_handling: 'auto-trailing-slash', not_found_handling: '404-page', compatibility_date: '2026-04-01', has_static_routing: false,
    redirects: { version: 1, staticRules, rules }, headers: { version: 2, rules: set },
  };
}

/** The worker, of whose two halves only the inner one runs: the outer would cost it one more hop. */
export function assetWorker(file, site, types) {
  return {
    modules: [file],
    files: { 'manifest.bin': manifest(site.files, types), 'configuration.json': JSON.stringify(configuration(site)) },
    bindings: [
      '(name = "ASSETS_KV_NAMESPACE", kvNamespace = "storage")', '(name = "ASSETS_MANIFEST", data = embed "manifest.bin")',
      '(name = "CONFIG", json = embed "configuration.json")',
    ],
    date: '2024-07-31', flags: ['nodejs_compat', 'enable_ctx_exports'], entrypoint: 'AssetWorkerInner',
  };
}
