// What both entries have in common: a site and a request as people write them, in the form that the core takes.

/** Makes `explain` of the core's function. */
export function explainer(explainBytes) {
  return function explain(site, request) {
    const { url, method = "GET", headers, country, clientAddress } = typeof request === "string" ? { url: request } : request;
    const [, scheme, host, target] = /^(https?):\/\/([^/?#]+)([^#]*)/i.exec(url) ?? [];
    if (host === undefined) throw new TypeError(`explain: ${JSON.stringify(url)} is no http or https URL`);
    return explainBytes(bytesOf(site.record), bytesOf(site.blob), {
      method,
      host,
      target: target.startsWith("/") ? target : `/${target}`,
      secure: scheme.toLowerCase() === "https",
      country: country ?? null,
      client_address: clientAddress ?? null,
      // Headers joins repeated fields and makes names lower case.
      headers: [...new Headers(headers)],
    });
  };
}

function bytesOf(value) {
  if (value === undefined || value === null) return undefined;
  if (value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
}
