// What this isolate knows of hosts and sites: records for a few seconds, sites until memory is wanted for others.

import {
  choose, dropRecord, dropShards, dropSite, hasHashed, headerSet, key, loadRecord, loadShard, loadSite, loadVariant, misses,
} from "./core.js";
import { UNAVAILABLE, UNKNOWN } from "./layout.js";

/** A record is used this long without a question asked … */
const FRESH_MS = 2_000;
/** … and this long while it is read anew in the background, where the runtime lets work go on after the answer. */
const STALE_MS = 10_000;
/** What can't be read is tried again after this long. */
const RETRY_MS = 1_000;
/** A record that KV had may be missing from it for as long as a write takes to spread. */
const SPREAD_MS = 300_000;
const MAX_HOSTS = 1_000;
const MAX_SITE_BYTES = 48 * 1024 * 1024;

const DAMAGED = 0;
const NO_SITE = { handle: 0, fields: [] };

const hosts = new Map();
const sites = new Map();
let siteBytes = 0;

/** Forgets everything, for a new core. */
export function forgetAll() {
  hosts.clear();
  sites.clear();
  siteBytes = 0;
}

/** Sees to it that `knownOf` has an answer; returns a promise when that takes reading. */
export function prepare(host, visit) {
  const now = Date.now();
  const known = hosts.get(host);
  const complete = known && (known.asks?.length > 0 || !wants(known));
  const age = known ? now - known.readAt : Infinity;
  if (complete && age < FRESH_MS) return undefined;
  // Nobody wants an old error.
  const leads = known && ![UNKNOWN, UNAVAILABLE, DAMAGED].includes(known.record);
  if (complete && leads && age < STALE_MS && visit.context) {
    // Others need not ask as well while this one does.
    known.readAt = now;
    visit.context.waitUntil(read(host, visit));
    return undefined;
  }
  return read(host, visit);
}

/**
 * Returns `{ entry, record, site, fields, folder }`: handles, or what stands in for them, and what the site's rules read. They
 * are good until the next await, during which another request may replace them.
 */
export function knownOf(host) {
  const entry = hosts.get(host);
  if (!entry) return { record: UNAVAILABLE, site: 0, fields: [] };
  return foundFor(entry);
}

function foundFor(entry) {
  const { handle: site, fields } = sites.get(entry.site) ?? NO_SITE;
  const record = entry.siteDamaged && site === 0 ? DAMAGED : entry.record;
  return { entry, record, site, fields, folder: entry.folder };
}

/**
 * As `knownOf`, of the deployment that the request gets where the record leads to several; or `{ missing }`, what to
 * read with `readSite` before asking again, with the `shard` to read of it if that is what is missing. Without `withShards`, none is.
 */
export function select(host, target, lines, withShards) {
  const { entry } = knownOf(host);
  const number = choose(entry.record, target, lines);
  const chosen = number === 0 ? entry : variantOf(entry, number);
  if (wants(chosen)) return { missing: chosen };
  const found = foundFor(chosen);
  if (found.site === 0 || !misses(entry.record, found.site, target, lines)) return found;
  const other = number === 0 ? variantOf(entry, 1) : entry;
  if (wants(other)) return { missing: other };
  const { site } = foundFor(other);
  if (site === 0) return found;
  const { has, shard } = hasHashed(entry.record, site, target, lines);
  if (shard !== undefined && withShards) return { missing: other, shard };
  return has ? foundFor(other) : found;
}

function variantOf(entry, number) {
  let variant = entry.variants.get(number);
  if (!variant) {
    const { handle, ...places } = loadVariant(entry.record, number);
    variant = { record: handle, ...places, headerSets: new Map() };
    entry.variants.set(number, variant);
  }
  return variant;
}

/** Whether an entry's site is to be read. */
function wants({ site, siteFailedAt }) {
  return site && !sites.has(site) && !(Date.now() - siteFailedAt < RETRY_MS);
}

/** The headers of a decision that names a header set. What those share is made once per record. */
export function headersOf({ entry, record, site }, decision, flags) {
  let shared = entry.headerSets.get(decision.set);
  if (!shared) {
    shared = new Headers(headerSet(record, site, decision.set, flags));
    entry.headerSets.set(decision.set, shared);
  }
  const headers = new Headers(shared);
  headers.set("etag", decision.tag);
  if (decision.size !== undefined) headers.set("content-length", decision.size);
  return headers;
}

async function read(host, visit) {
  const entry = await readRecord(host, visit);
  // Which site a conditional record leads to, the request decides.
  if (entry.site && !(entry.asks?.length > 0) && !sites.has(entry.site)) await readSite(entry, visit);
}

async function readRecord(host, visit) {
  let bytes;
  try {
    bytes = await kv(visit).get(key(host, visit.configuration.encodedKeys), { type: "arrayBuffer" });
  } catch (error) {
    console.log(`miaobu: no record of ${host}: ${error}`);
    return standIn(host);
  }
  const known = hosts.get(host);
  if (bytes === undefined) {
    if (known?.bytes && Date.now() - (known.lackedAt ??= Date.now()) < SPREAD_MS) return standIn(host);
    return keepRecord(host, { record: UNKNOWN });
  }
  const fresh = new Uint8Array(bytes);
  if (String(known?.bytes) === String(fresh)) {
    // What is known by it holds on.
    known.readAt = Date.now();
    known.siteDamaged = known.siteFailedAt = known.lackedAt = undefined;
    return known;
  }
  const { handle, ...places } = loadRecord(fresh);
  return keepRecord(host, { record: handle, ...places, bytes: fresh });
}

// Stale is better than down: an earlier record leads to files that still exist.
function standIn(host) {
  const known = hosts.get(host);
  const entry = known && known.record !== UNKNOWN ? known : keepRecord(host, { record: UNAVAILABLE });
  entry.readAt = Date.now() - FRESH_MS + RETRY_MS;
  return entry;
}

function keepRecord(host, entry) {
  forget(host);
  if (hosts.size >= MAX_HOSTS) forget(hosts.keys().next().value);
  entry.readAt = Date.now();
  entry.headerSets = new Map();
  entry.variants = new Map();
  hosts.set(host, entry);
  return entry;
}

function forget(host) {
  const entry = hosts.get(host);
  if (!entry) return;
  hosts.delete(host);
  dropRecord(entry.record);
  for (const { record } of entry.variants.values()) dropRecord(record);
}

export async function readSite(entry, visit) {
  const ways = [
    () => kv(visit).get(entry.site, { type: "arrayBuffer" }),
    // KV takes its time to spread; the copy is there before the record is.
    () => copyOf(visit, entry.copy),
  ];
  for (const way of ways) {
    const bytes = await tried(way, entry.site);
    if (bytes === undefined) continue;
    const { handle, fields } = loadSite(new Uint8Array(bytes));
    if (handle !== 0) return keepSite(entry.site, handle, fields, bytes.byteLength);
    console.log(`miaobu: site ${entry.site} is damaged`);
    entry.siteDamaged = true;
  }
  // What could not be asked for did not fail.
  if (visit.left > 0) entry.siteFailedAt = Date.now();
}

/**
 * Reads a shard of a site for its core; returns whether it is there now. `late` says that the record or the site was read
 * for the same request: then only the copy is asked for, which is there before the record is, so that four sub-requests
 * are enough.
 */
export async function readShard({ entry }, number, late, visit) {
  const name = `${entry.site}-${number}`;
  const ways = [() => kv(visit).get(name, { type: "arrayBuffer" }), () => copyOf(visit, `${entry.folder}.shards/${name}`)];
  for (const way of late ? ways.slice(1) : ways) {
    const bytes = await tried(way, name);
    const site = sites.get(entry.site);
    if (bytes === undefined || !site) continue;
    makeRoom(bytes.byteLength, entry.site);
    if (loadShard(site.handle, new Uint8Array(bytes))) {
      site.size += bytes.byteLength;
      siteBytes += bytes.byteLength;
      return true;
    }
    console.log(`miaobu: shard ${name} is damaged`);
  }
  return false;
}

function keepSite(key, handle, fields, size) {
  // Another request may have read it meanwhile.
  forgetSite(key);
  makeRoom(size);
  sites.set(key, { handle, fields, size, ownSize: size });
  siteBytes += size;
}

/** Drops the oldest sites, and if that is not enough the shards of the one that is wanted, until so many bytes fit. */
function makeRoom(size, wanted) {
  for (const oldest of sites.keys()) {
    if (siteBytes + size <= MAX_SITE_BYTES) return;
    if (oldest !== wanted) forgetSite(oldest);
  }
  const site = sites.get(wanted);
  if (!site || siteBytes + size <= MAX_SITE_BYTES) return;
  dropShards(site.handle);
  siteBytes -= site.size - site.ownSize;
  site.size = site.ownSize;
}

function forgetSite(key) {
  const site = sites.get(key);
  if (!site) return;
  sites.delete(key);
  siteBytes -= site.size;
  dropSite(site.handle);
}

let store;
let storeNamespace;

function kv(visit) {
  spend(visit);
  const { namespace } = visit.configuration;
  if (storeNamespace !== namespace) {
    store = new EdgeKV({ namespace });
    storeNamespace = namespace;
  }
  return store;
}

async function tried(way, name) {
  try {
    return await way();
  } catch (error) {
    console.log(`miaobu: ${name} can't be read: ${error}`);
    return undefined;
  }
}

async function copyOf(visit, object) {
  spend(visit);
  const response = await fetch(`${visit.configuration.objects}/${object}`, { redirect: "manual" });
  if (response.status === 200) return response.arrayBuffer();
  response.body?.cancel();
  return undefined;
}

/** Takes one of the sub-requests that a request may still make; throws when none is left. */
export function spend(visit) {
  if (visit.left === 0) throw new Error("no sub-request is left");
  visit.left -= 1;
}
