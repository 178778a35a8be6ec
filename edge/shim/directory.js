// What this isolate knows of hosts and sites: records for a few seconds, sites until memory is wanted for others.

import { UNAVAILABLE, UNKNOWN } from "./core.js";

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

export class Directory {
  #core;
  #hosts = new Map();
  #sites = new Map();
  #siteBytes = 0;

  constructor(core) {
    this.#core = core;
  }

  /** Sees to it that `current` has an answer; returns a promise when that takes reading. */
  prepare(host, configuration, context) {
    const now = Date.now();
    const known = this.#hosts.get(host);
    const complete = known && (known.asks?.length > 0 || !this.#wants(known));
    const age = known ? now - known.readAt : Infinity;
    if (complete && age < FRESH_MS) return undefined;
    // Nobody wants an old error.
    const leads = known && ![UNKNOWN, UNAVAILABLE, DAMAGED].includes(known.record);
    if (complete && leads && age < STALE_MS && context) {
      // Others need not ask as well while this one does.
      known.readAt = now;
      context.waitUntil(this.#read(host, configuration));
      return undefined;
    }
    return this.#read(host, configuration);
  }

  /**
   * Returns `{ record, site, fields, folder }`: handles, or what stands in for them, and what the site's rules read. They are good until the next await, during
   * which another request may replace them.
   */
  current(host) {
    const entry = this.#hosts.get(host);
    if (!entry) return { record: UNAVAILABLE, site: 0, fields: [] };
    return this.#found(entry);
  }

  #found(entry) {
    const { handle: site, fields } = this.#sites.get(entry.site) ?? NO_SITE;
    const record = entry.siteDamaged && site === 0 ? DAMAGED : entry.record;
    return { entry, record, site, fields, folder: entry.folder };
  }

  /**
   * As `current`, of the deployment that the request gets where the record leads to several; or `{ missing }`, what to
   * `load` before asking again, with the `shard` to read of it if that is what is missing. Without `withShards`, none is.
   */
  select(host, target, lines, withShards) {
    const { entry } = this.current(host);
    const number = this.#core.choose(entry.record, target, lines);
    const chosen = number === 0 ? entry : this.#variant(entry, number);
    if (this.#wants(chosen)) return { missing: chosen };
    const found = this.#found(chosen);
    if (found.site === 0 || !this.#core.misses(entry.record, found.site, target, lines)) return found;
    const other = number === 0 ? this.#variant(entry, 1) : entry;
    if (this.#wants(other)) return { missing: other };
    const { site } = this.#found(other);
    if (site === 0) return found;
    const { has, shard } = this.#core.hasHashed(entry.record, site, target, lines);
    if (shard !== undefined && withShards) return { missing: other, shard };
    return has ? this.#found(other) : found;
  }

  load(entry, configuration) {
    return this.#readSite(entry, configuration);
  }

  #variant(entry, number) {
    let variant = entry.variants.get(number);
    if (!variant) {
      const { handle, ...places } = this.#core.loadVariant(entry.record, number);
      variant = { record: handle, ...places, headerSets: new Map() };
      entry.variants.set(number, variant);
    }
    return variant;
  }

  /** Whether an entry's site is to be read. */
  #wants({ site, siteFailedAt }) {
    return site && !this.#sites.has(site) && !(Date.now() - siteFailedAt < RETRY_MS);
  }

  /** The headers of a decision that names a header set. What those share is made once per record. */
  headers({ entry, record, site }, decision, flags) {
    let shared = entry.headerSets.get(decision.set);
    if (!shared) {
      shared = new Headers(this.#core.headerSet(record, site, decision.set, flags));
      entry.headerSets.set(decision.set, shared);
    }
    const headers = new Headers(shared);
    headers.set("etag", decision.tag);
    if (decision.size !== undefined) headers.set("content-length", decision.size);
    return headers;
  }

  async #read(host, configuration) {
    const entry = await this.#readRecord(host, configuration);
    // Which site a conditional record leads to, the request decides.
    if (entry.site && !(entry.asks?.length > 0) && !this.#sites.has(entry.site)) await this.#readSite(entry, configuration);
  }

  async #readRecord(host, configuration) {
    let bytes;
    try {
      bytes = await kv(configuration).get(this.#core.key(host, configuration.encodedKeys), { type: "arrayBuffer" });
    } catch (error) {
      console.log(`miaobu: no record of ${host}: ${error}`);
      return this.#standIn(host);
    }
    const known = this.#hosts.get(host);
    if (bytes === undefined) {
      if (known?.bytes && Date.now() - (known.lackedAt ??= Date.now()) < SPREAD_MS) return this.#standIn(host);
      return this.#keep(host, { record: UNKNOWN });
    }
    const fresh = new Uint8Array(bytes);
    if (String(known?.bytes) === String(fresh)) {
      // What is known by it holds on.
      known.readAt = Date.now();
      known.siteDamaged = known.siteFailedAt = known.lackedAt = undefined;
      return known;
    }
    const { handle, ...places } = this.#core.loadRecord(fresh);
    return this.#keep(host, { record: handle, ...places, bytes: fresh });
  }

  // Stale is better than down: an earlier record leads to files that still exist.
  #standIn(host) {
    const known = this.#hosts.get(host);
    const entry = known && known.record !== UNKNOWN ? known : this.#keep(host, { record: UNAVAILABLE });
    entry.readAt = Date.now() - FRESH_MS + RETRY_MS;
    return entry;
  }

  #keep(host, entry) {
    this.#forget(host);
    if (this.#hosts.size >= MAX_HOSTS) this.#forget(this.#hosts.keys().next().value);
    entry.readAt = Date.now();
    entry.headerSets = new Map();
    entry.variants = new Map();
    this.#hosts.set(host, entry);
    return entry;
  }

  #forget(host) {
    const entry = this.#hosts.get(host);
    if (!entry) return;
    this.#hosts.delete(host);
    this.#core.dropRecord(entry.record);
    for (const { record } of entry.variants.values()) this.#core.dropRecord(record);
  }

  async #readSite(entry, configuration) {
    const ways = [
      () => kv(configuration).get(entry.site, { type: "arrayBuffer" }),
      // KV takes its time to spread; the copy is there before the record is.
      () => copyOf(configuration, entry.copy),
    ];
    for (const way of ways) {
      const bytes = await tried(way, entry.site);
      if (bytes === undefined) continue;
      const { handle, fields } = this.#core.loadSite(new Uint8Array(bytes));
      if (handle !== 0) return this.#keepSite(entry.site, handle, fields, bytes.byteLength);
      console.log(`miaobu: site ${entry.site} is damaged`);
      entry.siteDamaged = true;
    }
    entry.siteFailedAt = Date.now();
  }

  /**
   * Reads a shard of a site for its core; returns whether it is there now. `late` says that the record or the site was read
   * for the same request: then only the copy is asked for, which is there before the record is, so that four sub-requests
   * are enough.
   */
  async readShard({ entry }, number, late, configuration) {
    const name = `${entry.site}-${number}`;
    const ways = [() => kv(configuration).get(name, { type: "arrayBuffer" }), () => copyOf(configuration, `${entry.folder}.shards/${name}`)];
    for (const way of late ? ways.slice(1) : ways) {
      const bytes = await tried(way, name);
      const site = this.#sites.get(entry.site);
      if (bytes === undefined || !site) continue;
      this.#makeRoom(bytes.byteLength, entry.site);
      if (this.#core.loadShard(site.handle, new Uint8Array(bytes))) {
        site.size += bytes.byteLength;
        this.#siteBytes += bytes.byteLength;
        return true;
      }
      console.log(`miaobu: shard ${name} is damaged`);
    }
    return false;
  }

  #keepSite(key, handle, fields, size) {
    // Another request may have read it meanwhile.
    this.#dropSite(key);
    this.#makeRoom(size);
    this.#sites.set(key, { handle, fields, size, ownSize: size });
    this.#siteBytes += size;
  }

  /** Drops the oldest sites, and if that is not enough the shards of the one that is wanted, until so many bytes fit. */
  #makeRoom(size, wanted) {
    for (const oldest of this.#sites.keys()) {
      if (this.#siteBytes + size <= MAX_SITE_BYTES) return;
      if (oldest !== wanted) this.#dropSite(oldest);
    }
    const site = this.#sites.get(wanted);
    if (!site || this.#siteBytes + size <= MAX_SITE_BYTES) return;
    this.#core.dropShards(site.handle);
    this.#siteBytes -= site.size - site.ownSize;
    site.size = site.ownSize;
  }

  #dropSite(key) {
    const site = this.#sites.get(key);
    if (!site) return;
    this.#sites.delete(key);
    this.#siteBytes -= site.size;
    this.#core.dropSite(site.handle);
  }
}

let store;
let storeNamespace;

function kv({ namespace }) {
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

async function copyOf(configuration, object) {
  const response = await fetch(`${configuration.objects}/${object}`, { redirect: "manual" });
  if (response.status === 200) return response.arrayBuffer();
  response.body?.cancel();
  return undefined;
}
