// What both entries have in common: a site and a request as people write them, in the form that the core takes.

/** A site lies in shards, and the one with this key is wanted. */
export class MissingShard extends Error {
  constructor(key) {
    super(`explain: the shard ${JSON.stringify(key)} of the site is wanted`);
    this.name = "MissingShard";
    this.key = key;
  }
}

/** Makes `explain` of the core's functions. */
export function explainer({ explainBytes, siteKeys }) {
  return function explain(site, request) {
    const { url, method = "GET", headers, country, clientAddress, now } = typeof request === "string" ? { url: request } : request;
    const [, scheme, host, target] = /^(https?):\/\/([^/?#]+)([^#]*)/i.exec(url) ?? [];
    if (host === undefined) throw new TypeError(`explain: ${JSON.stringify(url)} is no http or https URL`);
    const asked = {
      method,
      host,
      target: target.startsWith("/") ? target : `/${target}`,
      secure: scheme.toLowerCase() === "https",
      country: country ?? null,
      client_address: clientAddress ?? null,
      now: Math.floor((now ?? Date.now()) / 1000),
      // Headers joins repeated fields and makes names lower case.
      headers: [...new Headers(headers)],
    };
    const record = bytesOf(site.record);
    const [first, second] = siteKeys(record, asked).map((key) => bytesOf(key === "" ? site.blob : site.blobs?.[key]));
    const read = (key) => {
      const shard = site.shards?.[key];
      // Null says that there is none, nothing that nobody asked its store for it.
      if (shard === undefined) throw new MissingShard(key);
      return bytesOf(shard);
    };
    return explainBytes(record, first, second, asked, { read });
  };
}

function bytesOf(value) {
  if (value === undefined || value === null) return undefined;
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}
