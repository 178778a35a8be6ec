// Requests worth comparing, made from a site's own files.

/** All requests for one host: each spelling of each file, and paths that mean nothing, by several methods and headers. */
export function requestsFor(host, files, random) {
  const targets = new Set(["/", "//", "/?", "/?q=%20&x", "/nowhere", "/nowhere/", "/nowhere.js", "/a/b/c/d/", "/%", "/%zz", "/..%2f", "/%00"]);
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
  return [
    { method: "GET", host, target },
    { method: "GET", host, target, headers: pick(headers) },
    { method: pick(methods), host, target, headers: pick(headers) },
  ];
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
