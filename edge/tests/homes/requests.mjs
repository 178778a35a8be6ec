// Requests worth comparing, made from a site's own files.

/** All requests for one host: each spelling of each file, and paths that mean nothing, by several methods and headers. */
export function requestsFor(host, files, random) {
  const targets = new Set(["/", "//", "/?", "/?q=%20&x", "/nowhere", "/nowhere/", "/nowhere.js", "/a/b/c/d/", "/%", "/%zz", "/..%2f", "/%00", "/old/17", "/old/17/?a=1", "/old/x/y", "/show/1", "/many/77.txt"]);
  for (const file of files) for (const target of spellings(file)) if (target.startsWith("/")) targets.add(target);
  for (let count = 0; count < 50; count += 1) targets.add(noise(random));
  return [...targets].flatMap((target) => variants(host, target, random));
}

function spellings(file) {
  const encoded = file.split("/").map(encodeURIComponent).join("/");
  const stem = encoded.replace(/(\/index)?\.html$/, "");
  return [
    encoded, stem || "/", `${stem}/`, `${stem}//`, `${stem}.html`, `${stem}/index`, `${stem}/index.html`, `/${encoded}`, `${encoded}?a=1&b=%2F`,
    encoded.toUpperCase(), encoded.replace(/%../g, (code) => code.toLowerCase()), encoded.replace(/[a-z]/, hexOf),
    `/x/..${encoded}`, `/%2e%2E${encoded}`, `/.${encoded}`, encoded.replaceAll("/", "\\").replace("\\", "/"), encoded.replace(/(.)\//, "$1%2F"),
  ];
}

function hexOf(letter) {
  return `%${letter.charCodeAt(0).toString(16)}`;
}

const PARTS = ["/", "/", "/", "a", "blog", "index", ".html", "404", "..", ".", "%2e", "%2F", "%5C", "\\", "%C3%A9", "%c3%a9", "%ff", "%", "+", "@", "[", "%5B", "|", "^", "~", "'", ";a=b"];

function noise(random) {
  let target = "/";
  for (let count = Math.floor(random() * 7); count >= 0; count -= 1) target += PARTS[Math.floor(random() * PARTS.length)];
  return target;
}

function variants(host, target, random) {
  const headers = [
    {},
    { "if-none-match": "*" },
    { accept: "text/html,*/*;q=0.8" },
    { accept: "*/*", "sec-fetch-mode": "cors" },
    { "sec-fetch-mode": "navigate", "if-none-match": '"nothing", W/"else"' },
  ];
  const methods = ["HEAD", "POST", "OPTIONS", "DELETE"];
  const pick = (list) => list[Math.floor(random() * list.length)];
  const accept = { "accept-encoding": pick(CODINGS) };
  return [
    { method: "GET", host, target },
    { method: "GET", host, target, headers: accept },
    { method: "GET", host, target, headers: { ...pick(headers), ...accept } },
    { method: pick(methods), host, target, headers: { ...pick(headers), ...accept } },
  ];
}

const CODINGS = [
  "gzip, deflate, br, zstd", "gzip", "zstd", "br;q=0.5, gzip", "identity;q=0", "*;q=0", "br, identity;q=0", "identity;q=1, *;q=0",
  "*", "x-gzip", "", "br;q=2, gzip;q=nonsense", "GZIP , Br;q=0.001",
];
const RANGES = [
  "bytes=0-0", "bytes=0-", "bytes=-1", "bytes=2-5", "bytes=5-2", "bytes=0-3,4-7", "bytes=0-1,5-6", "bytes=99999999-", "bytes=-0", "bytes=",
  "lines=0-1", "bytes=0-18446744073709551616", "bytes= 1 - 2 ",
];

// Dots, slashes, backslashes and NUL, escaped once, twice, overlong (RFC 3629, 10) or as half of a surrogate pair.
const DOTS = ["..", "%2e%2e", ".%2E", "%252e%252e", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%f0%80%80%ae.", "..;", "...", "..%00", "..%20", "..%ef%bc%8f"];
const SLASHES = ["/", "//", "\\", "%2f", "%5C", "%252f", "%c0%af", "%e0%80%af", "%f0%80%80%af", "%00/", "/./", "%0d%0a", "%09", "%ed%a0%80"];

/** Requests that try to leave the folder of a site, to be read in two ways, or to be too much. */
export function hostileRequests(host, file) {
  const targets = ["/%00", `${file}%00`, `${file}%00.png`, `%2f${file}`, `/${"a".repeat(4_000)}`, `/${"%2e%2e/".repeat(500)}`, `/${"../".repeat(500)}etc/passwd`, "/?".padEnd(4_000, "%")];
  for (const dots of DOTS) {
    for (const slash of SLASHES) targets.push(`/${dots}${slash}etc${slash}passwd`, `/x${slash}${dots}${file}`, `${slash}${dots}${slash}2${file}`);
  }
  return targets.map((target) => ({ method: "GET", host, target: target.startsWith("/") ? target : `/${target}` }));
}

/** Two sets of conditions or ranges, which may hold or not, for a file that was answered with these headers. */
export function conditionsFor(tag, headers, random) {
  const pick = (list) => list[Math.floor(random() * list.length)];
  const date = headers.find((header) => header.startsWith("last-modified: "))?.slice(15) ?? "Fri, 02 Jan 2026 03:04:05 GMT";
  const range = pick(RANGES);
  const all = [
    { range },
    { range, "if-range": pick([tag, date, `W/${tag}`, '"other"', "Fri, 02 Jan 2026 03:04:06 GMT"]) },
    { range, "if-match": pick(["*", tag, '"other"']) },
    { "if-unmodified-since": pick([date, "Thu, 01 Jan 2026 00:00:00 GMT", "nonsense"]) },
    { "if-modified-since": pick([date, "Thu, 01 Jan 2026 00:00:00 GMT", "Friday, 02-Jan-26 03:04:05 GMT"]) },
  ];
  return [pick(all), pick(all)];
}

/** A small generator with a seed, so that a failure can be run again. */
export function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
