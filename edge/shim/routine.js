// Looks a host up, asks the core, and carries its decision out. An `if` about meaning belongs in the core.

import { ask, blocks, complete, decide, FIELDS, flagsOf, generation, isComplete, isOtherMethod, pageOf, restart, start } from "./core.js";
import {
  FUNCTION_TIMED_OUT, FUNCTION_UNREACHABLE, NOT_AN_IMAGE, OBJECT_MISSING, PROBE, PROXY, READ_FORM, SERVE, SHARD,
  STORAGE_UNAVAILABLE, UNAVAILABLE,
} from "./layout.js";
import { isLasting, keptBody, passBody } from "./bodies.js";
import { configure } from "./configuration.js";
import { forgetAll, headersOf, knownOf, prepare, readShard, readSite, select, spend } from "./directory.js";

/** The shard of the path, and that of a file to which a rule leads. */
const MOST_SHARDS = 2;

/** A request may need the sites of both sides of a split, and records change while they are read. */
const MAX_LOADS = 4;

/** In place of a failure: all sub-requests went into what the isolate now knows, so that the next request needs fewer. */
const LATER = -1;

/**
 * Thrown when another request's trap has led to a new core, from which this one begins again. No Error: at an isolate's start,
 * the place in the text where one is made costs as much as reading all of the text.
 */
const AGAIN = Symbol("again");

/** Makes the module's default export from a compiled routine and what returns the rest of it, or a promise of that. */
export const routine = (function (module, rest) {
  start(module, rest);
  return { fetch: answerAll };
});

async function answerAll(request, second, third) {
  const [context, env] = argumentsOf(second, third);
  const configuration = configure(env);
  const visit = { configuration, context, left: configuration.subrequests };
  for (;;) {
    visit.generation = generation;
    try {
      return await answer(visit, request);
    } catch (error) {
      if (error !== AGAIN && !isTrap(error)) throw error;
      if (visit.generation === generation) {
        // It costs this one request.
        console.log(`miaobu: trap ${generation} of this isolate: ${error}`);
        restart();
        forgetAll();
      } else if (!request.bodyUsed) {
        // It was another request's, and is mended.
        continue;
      }
      return new Response("500 routine_trapped\n", { status: 500, headers: { "cache-control": "no-store" } });
    }
  }
}

// Made into JavaScript, the core says "abort" where a module traps.
function isTrap(error) {
  return typeof WebAssembly === "object" ? error instanceof WebAssembly.RuntimeError : error.message === "abort";
}

// ESA calls fetch(request, context, env), workerd fetch(request, env, context), and some samples leave one out.
function argumentsOf(second, third) {
  const isContext = (value) => typeof value?.waitUntil === "function";
  if (isContext(third)) return [third, second];
  return isContext(second) ? [second, third] : [undefined, third ?? second];
}

async function answer(visit, request) {
  const { url, method } = request;
  const hostAt = url.indexOf("://") + 3;
  const targetAt = url.indexOf("/", hostAt);
  const host = url.slice(hostAt, targetAt);
  const target = url.slice(targetAt);
  const flags = flagsOf(method, url.startsWith("https:"), visit.configuration.deploymentHeader);
  const reading = prepare(host, visit);
  if (reading) await reading;
  let random;
  let found;
  let text;
  let form = "";
  let id;
  let decision;
  let withShards = true;
  const current = () => {
    if (visit.generation !== generation) throw AGAIN;
    return knownOf(host);
  };
  // The text of the request with its id, for an answer that names it.
  const named = () => {
    text ??= lines(request, host, found.fields);
    return id === undefined ? `${text}i${newId()}\n` : text;
  };
  const later = () => own(decide(UNAVAILABLE, 0, flags, target, named()));
  // What had to be read may have changed the record meanwhile, hence from the beginning after each await: a decision holds
  // until the next one, during which other requests may replace what it was made of.
  for (let loads = 0, shards = 0; ; ) {
    found = current();
    const asks = found.entry?.asks ?? [];
    if (asks.length === 0 && (decision = ordinary(found, flags, url, targetAt, request))) break;
    if (!isComplete()) {
      await complete();
      continue;
    }
    if (asks.length > 0) {
      random ??= Math.floor(Math.random() * 2 ** 32);
      const facts = `t${Math.floor(Date.now() / 1000)}\nx${random}\n`;
      text = facts + lines(request, host, asks);
      const chosen = select(host, target, text, withShards);
      if (!chosen.missing) {
        found = chosen;
        if (found.fields.length > 0) text = facts + lines(request, host, [...asks, ...found.fields]);
      } else if (loads < MAX_LOADS) {
        loads += 1;
        if (visit.left === 0) return later();
        if (chosen.shard === undefined) await readSite(chosen.missing, visit);
        else withShards = await readShard({ entry: chosen.missing }, chosen.shard, reading !== undefined, visit);
        continue;
      }
    } else {
      text = lines(request, host, found.fields);
    }
    if (isOtherMethod(flags)) text += `w${method}\n`;
    // With a site at hand, hardly any answer names it, but for that to a protection which can't be read.
    if (asks.length > 0 || found.site === 0) text += `i${id ??= newId()}\n`;
    decision = decide(found.record, found.site, flags, target, text + form);
    if (decision.kind === READ_FORM) {
      form = `f${await readForm(request, decision.limit)}\n`;
    } else if (decision.kind === SHARD) {
      const read = shards < MOST_SHARDS && (await readShard(found, decision.status, reading !== undefined, visit));
      if (!read) return later();
      shards += 1;
    } else {
      break;
    }
  }
  const fail = (failure) => {
    if (failure === LATER) return later();
    const described = named();
    const page = (of, site) => pageOf(of.record, site, flags, target, described, failure);
    const now = current();
    const decision = page(now, now.site);
    if (decision.kind !== SERVE) return own(decision);
    // The site's own page; when it can't be fetched either, ours.
    return serve(decision, decision.headers, now, visit, () => own(page(current(), 0)));
  };
  if (decision.set !== undefined) decision.prepared ??= headersOf(found, decision, flags);
  switch (decision.kind) {
    case SERVE:
      decision.prepared ??= new Headers(decision.headers);
      return serve(decision, decision.prepared, found, visit, fail);
    case PROBE:
      return probe(decision, visit, fail);
    case PROXY:
      return proxy(decision, request, visit, fail);
    default:
      return own(decision);
  }
}

/** What an ordinary request gets, where that is known: most requests get no further. */
function ordinary({ record, site }, flags, url, targetAt, request) {
  if (site === 0 || isOtherMethod(flags)) return undefined;
  // None of these is one that ESA throws at.
  const { headers } = request;
  const etag = headers.get("if-none-match");
  const isPlain = headers.get("range") === null && headers.get("if-match") === null && headers.get("if-unmodified-since") === null;
  // A date says nothing beside a tag.
  if (!isPlain || (etag === null && headers.get("if-modified-since") !== null)) return undefined;
  return ask(record, site, flags, url, targetAt, headers.get("accept-encoding"), etag);
}

function newId() {
  const half = () => Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, "0");
  return half() + half();
}

/** The beginning of the body, without what would end a line. */
async function readForm(request, limit) {
  const chunks = [];
  let length = 0;
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.length;
      if (length > limit) return "";
      chunks.push(new TextDecoder().decode(chunk, { stream: false }));
    }
  } catch {
    return "";
  }
  return chunks.join("").split(/[\r\n]/, 1)[0];
}

let told;

function lines(request, host, fields) {
  let text = `h${host}\n`;
  const client = request.info?.remote_addr;
  if (client) text += `c${client}\n`;
  for (const [letter, name] of FIELDS) {
    const value = field(request, name);
    if (value !== null) text += `${letter}${value}\n`;
  }
  if (fields.length === 0) return text;
  const country = request.info?.ip_country_id;
  if (country) text += `y${country}\n`;
  // No condition on a country holds then, which is worth one line an isolate.
  else if (!request.info) told ||= !console.log("miaobu: countries are unknown here");
  for (const name of fields) {
    const value = field(request, name.slice(1));
    if (value !== null) text += `${name}:${value}\n`;
  }
  return text;
}

// ESA throws when a hop-by-hop field is read.
function field(request, name) {
  try {
    return request.headers.get(name);
  } catch {
    return null;
  }
}

function own(decision) {
  const { status, body, location, shared } = decision;
  if (!decision.prepared && shared) {
    decision.prepared = new Headers((shared.prepared ??= new Headers(shared.headers)));
    decision.prepared.set("location", location);
  }
  return new Response(body || null, { status, headers: (decision.prepared ??= new Headers(decision.headers)) });
}

async function serve(decision, headers, found, visit, fail) {
  const { status, withBody, path, ownPath, coding, range, size } = decision;
  // What is stored in a coding must not be encoded once more.
  const encodeBody = coding === "" ? "automatic" : "manual";
  if (!withBody) return new Response(null, { status, headers, encodeBody });
  // A decision may be one that is kept, and its name then looked up often.
  const object = (decision.object ??= ownPath ? folderOf(found, coding) + path : path);
  const { hotBodies } = visit.configuration;
  const mayKeep = hotBodies > 0 && isLasting(object, found);
  const kept = mayKeep ? partOf(keptBody(object), range, size) : undefined;
  if (kept) {
    if (size === undefined) headers = withLength(headers, kept.length);
    return new Response(kept, { status, headers, encodeBody });
  }
  const isSpent = visit.left === 0;
  const stored = await get(visit, object, "GET", range);
  if (stored?.status === (range ? 206 : 200)) {
    const length = size ?? stored.headers.get("content-length");
    if (size === undefined && length !== null) headers = withLength(headers, length);
    const passes = mayKeep && !range && length !== null;
    const body = passes ? passBody(object, stored, Number(length), hotBodies, visit.context) : stored.body;
    return new Response(body, { status, headers, encodeBody });
  }
  stored?.body?.cancel();
  if (!isComplete()) await complete();
  return fail(isSpent ? LATER : isMissing(stored) ? OBJECT_MISSING : STORAGE_UNAVAILABLE);
}

/** The bytes of an answer, if the object's are at hand, and as many as the site knows of. */
function partOf(bytes, range, size) {
  let part = bytes;
  if (part && range) {
    const [, first, last] = /(\d+)-(\d+)/.exec(range);
    part = part.subarray(Number(first), Number(last) + 1);
  }
  return size === undefined || part?.length === size ? part : undefined;
}

async function probe(decision, visit, fail) {
  const { candidates, status, withBody, missingStatus, missingHeaders, missingBody } = decision;
  for (const { path, headers } of candidates) {
    const stored = await get(visit, path, withBody ? "GET" : "HEAD");
    if (stored?.status === 200) {
      const length = stored.headers.get("content-length");
      if (length !== null) headers.push(["content-length", length]);
      return new Response(withBody ? stored.body : null, { status, headers });
    }
    stored?.body?.cancel();
    if (!isMissing(stored)) return fail(STORAGE_UNAVAILABLE);
  }
  return own({ status: missingStatus, headers: missingHeaders, body: missingBody });
}

// Without the right to list, storage says 403 for what it does not have.
function isMissing(stored) {
  return stored?.status === 404 || stored?.status === 403;
}

function folderOf(found, coding) {
  return coding === "" ? found.folder : `${found.folder}.${coding}`;
}

function withLength(headers, length) {
  const all = new Headers(headers);
  all.set("content-length", length);
  return all;
}

// Made once: a runtime takes its time to make a list of headers of an object.
let whole;

async function get(visit, object, method, range) {
  try {
    spend(visit);
    whole ??= { method: "GET", redirect: "manual", headers: new Headers({ "accept-encoding": "identity" }) };
    let init = whole;
    if (range) {
      // Without the last, OSS answers a range that it does not like with the whole object.
      init = { ...whole, headers: { "accept-encoding": "identity", range, "x-oss-range-behavior": "standard" } };
    } else if (method !== "GET") init = { ...whole, method };
    return await fetch(`${visit.configuration.objects}/${object}`, init);
  } catch {
    return undefined;
  }
}

async function proxy(decision, request, visit, fail) {
  if (visit.left === 0) return fail(LATER);
  spend(visit);
  const { method, body } = request;
  const headers = new Headers(request.headers);
  // Many frameworks can't tell the two characters apart.
  const forged = [...headers.keys()].filter((name) => name.includes("_") && decision.removeFromRequest.includes(name.replaceAll("_", "-")));
  const upgrade = field(request, "upgrade")?.toLowerCase() === "websocket";
  change(headers, [...forged, ...decision.removeFromRequest], decision.setOnRequest);
  if (upgrade) change(headers, [], [["upgrade", "websocket"]]);
  let timer;
  let response;
  try {
    const asked = fetch(decision.url, { method, headers, body, redirect: "manual", decompress: "manual", duplex: "half" });
    response = await Promise.race([asked, new Promise((resolve) => (timer = setTimeout(resolve, visit.configuration.functionTimeout)))]);
  } catch {
    return fail(FUNCTION_UNREACHABLE);
  } finally {
    clearTimeout(timer);
  }
  if (!response) return fail(FUNCTION_TIMED_OUT);
  const { status, statusText, webSocket } = response;
  if (decision.imagesOnly && blocks(status, response.headers.get("content-type"))) {
    response.body?.cancel();
    return fail(NOT_AN_IMAGE);
  }
  const answered = new Headers(response.headers);
  change(answered, decision.removeFromAnswer, decision.setOnAnswer);
  const upgraded = webSocket ? { webSocket } : {};
  return new Response(response.body, { status, statusText, headers: answered, ...upgraded });
}

function change(headers, remove, set) {
  for (const name of remove) {
    try {
      headers.delete(name);
    } catch {
      // Not a name, or one that the runtime keeps to itself.
    }
  }
  for (const [name, value] of set) {
    try {
      // The function's own cookies stay beside ours.
      if (name === "set-cookie") headers.append(name, value);
      else headers.set(name, value);
    } catch {
      // As above: without it the function sees an ordinary request.
    }
  }
}
