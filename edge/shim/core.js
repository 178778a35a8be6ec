// The other end of edge/src/wasm.rs: calls the core, and reads what it wrote into memory. Knows layouts, decides nothing.

import {
  SERVE, PROBE, PROXY, ANSWER, READ_FORM, SHARD, OTHER_METHOD, METHOD_MASK, HEAD, FLAG_SECURE, FLAG_DEPLOYMENT_HEADER,
  FLAG_TAG, TAG_CODING_SHIFT, FLAG_TELL, FLAG_FURTHER, FLAGS_OF_TARGETS, ORDINARY_MASK, ORDINARY_FILE,
  ORDINARY_REDIRECT, REDIRECT_EXTERNAL, FILE_HELD, STATUS, HEADER_SET, FORM, STEM_LENGTH, SIZE, TAG_HIGH, TAG_LOW,
  TEXT_LENGTH, RANGE_START, RANGE_END, RULES, WORDS, NONE,
} from "./layout.js";
import { hex, cut, fields, readProbe, readProxy } from "./text.js";

/**
 * So many answers to ordinary requests are kept, of all hosts together, so many targets that lead to no file are remembered
 * with theirs, each up to so long, and so many Accept-Encoding fields.
 */
const MAX_ANSWERS = 4_096;
const MAX_TARGETS = 4_096;
const MAX_TARGET_LENGTH = 256;
const MAX_ENCODINGS = 256;

/** What the core reads of every request, after the letter that begins its line. */
export const FIELDS = [
  ["n", "if-none-match"], ["a", "accept"], ["e", "accept-encoding"], ["m", "sec-fetch-mode"], ["o", "connection"],
  ["s", "if-match"], ["d", "if-modified-since"], ["u", "if-unmodified-since"], ["r", "range"], ["g", "if-range"],
  ["p", "sec-fetch-dest"],
];

const METHODS = ["GET", "HEAD", "OPTIONS"];
const SUFFIXES = ["", ".html", "/index.html"];
const CODINGS = ["", "br", "zst", "gz"];
/** What the core says of the Accept-Encoding fields that most visitors send, so that a cold isolate need not ask it. */
export const USUAL_ENCODINGS = [
  ["gzip, deflate, br, zstd", 0x28b288], ["gzip, deflate, br", 0x2cb208], ["gzip", 0x6db000],
];
const TAG = /^(?:W\/)?"([\da-f]{8})([\da-f]{8})(?:-(br|zst|gz))?"$/;

export function flagsOf(method, secure, deploymentHeader) {
  // None has the place -1, all of whose bits are set.
  return (METHODS.indexOf(method) & OTHER_METHOD) | (secure ? FLAG_SECURE : 0) | (deploymentHeader ? FLAG_DEPLOYMENT_HEADER : 0);
}

/** Whether the flags say less than the method does. */
export function isOtherMethod(flags) {
  return (flags & METHOD_MASK) === OTHER_METHOD;
}

// The core of this isolate, of which there is one at a time, and how to make it and load what it lacks.
let makeCore;
let loadRest;
let detaches;
/** One more with each core: what an earlier one gave out means nothing to the next. */
export let generation = 0;

let core;
let lacksRest;
// Views of its memory, where its input begins, and how long that may be.
let memory;
let words;
let inputAt;
let inputRoom;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const knownCodings = new Map(USUAL_ENCODINGS);
let lastEncoding;
let lastCodings = 0;
let tagHigh = 0;
let tagLow = 0;

// By record, and by what the core says of a request. Those of the last record are at hand.
const allAnswers = new Map();
let answerCount;
let lastAnswers;
let lastRecord;
const allTargets = new Map();
let targetCount;
let wantedKey;

// Functions in parentheses run at an isolate's start. Engines take them for functions that are called at once, and compile
// them as they read them; others are read once more when they are called.

/**
 * Makes the core of a compiled module, and takes what returns the module of the rest, or a promise of it. Where there is no
 * WebAssembly, takes a function that makes an instance of all of it.
 */
export const start = (function (module, rest) {
  detaches = typeof module !== "function";
  makeCore = detaches ? (() => new WebAssembly.Instance(module).exports) : module;
  loadRest = rest;
  restart();
});

/** Makes a new core in place of one that trapped, whose memory is as it was in the middle of something. */
export const restart = (function () {
  generation += 1;
  core = makeCore();
  lacksRest = loadRest !== undefined;
  memory = undefined;
  inputRoom = answerCount = lastRecord = targetCount = wantedKey = 0;
  allAnswers.clear();
  allTargets.clear();
});

/** Whether all of the core is there, which everything but keys, records, sites, header sets and `ask` takes. */
export function isComplete() {
  return !lacksRest;
}

/** Adds what is missing. */
export async function complete() {
  try {
    const module = await loadRest();
    // Another request may have done it meanwhile.
    if (lacksRest) new WebAssembly.Instance(module, { first: shared() });
    lacksRest = false;
  } catch (error) {
    // As a trap, it leaves a core that can't be used.
    throw new WebAssembly.RuntimeError(`the rest was not loaded: ${error}`);
  }
}

/** What the rest imports: exports, and functions by their places in the table. */
function shared() {
  const { table } = core;
  const shared = { ...core };
  for (let place = 0; place < table.length; place += 1) shared[place] = table.get(place);
  return shared;
}

/** The KV key of a host. */
export function key(host, encoded) {
  core.record_key(write(host), encoded ? 1 : 0);
  return readText();
}

/**
 * Returns `{ handle, folder, site, copy, asks }`; the handle is 0 when the bytes are no record. A record that asks for
 * fields of the request leads to more than one answer.
 */
export function loadRecord(bytes) {
  return readRecord(core.load_record(copy(bytes)));
}

/** The record of one of the deployments that `choose` names, as of `loadRecord`. */
export function loadVariant(record, number) {
  return readRecord(core.load_variant(record, number));
}

function readRecord(handle) {
  const [folder, site, copy, ...asks] = handle === 0 ? [] : readText().split("\n");
  return { handle, folder, site, copy, asks };
}

/** Which deployment a request gets: 0 for the record's own. */
export function choose(record, target, lines) {
  return core.select(0, record, 0, write(`${target}\n${lines}`));
}

/** Whether a site lacks the file that a request looks for, and the other side of a split may have it. */
export function misses(record, site, target, lines) {
  return core.select(1, record, site, write(`${target}\n${lines}`)) === 1;
}

/** Returns `{ has, shard }`: whether a site has the file under a name that carries a hash, or the shard that it takes to say so. */
export function hasHashed(record, site, target, lines) {
  const answer = core.select(2, record, site, write(`${target}\n${lines}`));
  return { has: answer === 1, shard: answer > 1 ? answer - 2 : undefined };
}

/** Returns `{ handle, fields }`: a handle, 0 when the bytes are no site, and what its rules read of a request. */
export function loadSite(bytes) {
  const length = copy(bytes);
  // The core keeps the memory that the bytes lie in.
  inputRoom = 0;
  const handle = core.load_site(length);
  return { handle, fields: handle === 0 ? [] : readText().split("\n").filter((name) => name !== "") };
}

/** Returns whether the bytes were a shard of the site, which now has it. */
export function loadShard(site, bytes) {
  const length = copy(bytes);
  inputRoom = 0;
  return core.load_shard(site, length) === 1;
}

export function dropShards(site) {
  core.drop_shards(site);
}

export function dropRecord(handle) {
  allAnswers.delete(handle);
  allTargets.delete(handle);
  lastRecord = 0;
  core.drop_record(handle);
}

export function dropSite(handle) {
  core.drop_site(handle);
}

/** Decides a request: its target, and then `name:value` lines, each with its line feed. */
export function decide(record, site, flags, target, lines) {
  const wanted = wantedKey;
  wantedKey = 0;
  const length = write(`${target}\n${lines}`);
  const decision = readDecision(core.decide(record, site, length, flags), target);
  if (wanted !== 0 && decision.kind !== SHARD) keep(record, wanted, decision);
  return decision;
}

/**
 * Decides an ordinary request: a GET or HEAD without other conditions than an If-None-Match with one tag. Its target begins
 * at a place of its URL.
 *
 * Answers are the same objects each time, those of redirects for as long as their target is remembered. Returns undefined
 * where there is no answer yet, or the request is not ordinary after all; then `decide` knows, which has to be asked next,
 * and what it says is kept.
 *
 * Only a number comes back across the boundary: answers that have the same one are the same but for the location of redirects.
 */
export function ask(record, site, flags, url, at, acceptEncoding, etag) {
  wantedKey = 0;
  if ((flags & METHOD_MASK) > HEAD) return undefined;
  const codings = acceptEncoding === lastEncoding ? lastCodings : codingsOf(acceptEncoding);
  const length = write(url, at);
  const answers = record === lastRecord ? lastAnswers : answersOf(record);
  const id = core.ordinary(record, site, length, flags, codings, 0, 0);
  if (id !== 0) {
    const known = answers.get(etag === null ? id : id | FILE_HELD);
    if (known !== undefined && (etag === null || known.tag === etag)) return known;
  }
  // Only files are told at a glance, for which the first module is enough.
  if (id === 0 && lacksRest) return undefined;
  const tag = etag === null ? 0 : readTag(etag);
  if (tag < 0) return undefined;
  return further(record, site, id === 0 ? flags | tag | FLAG_FURTHER : flags | tag, length, url, at, codings, answers);
}

function further(record, site, flags, length, url, at, codings, answers) {
  const target = url.slice(at);
  const targets = flags & FLAG_FURTHER ? targetsOf(record, (codings << 4) | (flags & FLAGS_OF_TARGETS)) : undefined;
  const remembered = targets?.get(target);
  if (remembered !== undefined) return remembered;
  const ask = (more) => core.ordinary(record, site, length, flags | more, codings, tagHigh, tagLow);
  const id = ask(0);
  if (id === 0) return undefined;
  const isFile = (id & ORDINARY_MASK) === ORDINARY_FILE;
  refresh();
  const key = isFile ? id : (id >>> 0) + words[RULES] * 2 ** 32;
  const known = answers.get(key);
  if (isFile) {
    if (known !== undefined) return known;
    ask(FLAG_TELL);
    const decision = readDecision(words[STATUS] === 304 ? ANSWER : SERVE, target);
    keep(record, key, decision);
    return decision;
  }
  const isRedirect = (id & ORDINARY_MASK) === ORDINARY_REDIRECT;
  const location = isRedirect ? readText() : undefined;
  // On its own host, a URL leads to a path.
  if (isRedirect && id & REDIRECT_EXTERNAL && location.slice(0, at).toLowerCase() === url.slice(0, at).toLowerCase()) return undefined;
  if (known === undefined) {
    wantedKey = key;
    return undefined;
  }
  const answer = isRedirect ? { kind: known.kind, status: known.status, headers: known.headers, body: "", location, shared: known } : known;
  if (target.length <= MAX_TARGET_LENGTH) remember(targets, target, answer);
  return answer;
}

/** What is remembered of targets that lead to no file: by record, and by what else an answer depends on. */
function targetsOf(record, variant) {
  let variants = allTargets.get(record);
  if (variants === undefined) allTargets.set(record, (variants = new Map()));
  let targets = variants.get(variant);
  if (targets === undefined) variants.set(variant, (targets = new Map()));
  return targets;
}

function remember(targets, target, answer) {
  if (targetCount === MAX_TARGETS) {
    allTargets.clear();
    targetCount = 0;
  }
  targetCount += 1;
  targets.set(target, answer);
}

function answersOf(record) {
  let answers = allAnswers.get(record);
  if (answers === undefined) allAnswers.set(record, (answers = new Map()));
  lastRecord = record;
  return (lastAnswers = answers);
}

/** Keeps a decision for the next request that is answered alike. */
function keep(record, key, decision) {
  if (answerCount === MAX_ANSWERS) {
    allAnswers.clear();
    answerCount = 0;
    lastRecord = 0;
  }
  answerCount += 1;
  const isRedirect = (key & ORDINARY_MASK) === ORDINARY_REDIRECT;
  const kept = isRedirect ? { ...decision, headers: decision.headers.filter(([name]) => name !== "location") } : decision;
  answersOf(record).set(key, kept);
}

/** What an Accept-Encoding means for each set of stored forms. */
function codingsOf(header) {
  if (header === null) return 0;
  let codings = knownCodings.get(header);
  if (codings === undefined) {
    codings = core.codings(write(header));
    if (knownCodings.size >= MAX_ENCODINGS) knownCodings.clear();
    knownCodings.set(header, codings);
  }
  lastEncoding = header;
  return (lastCodings = codings);
}

/** Takes a tag in as two words; returns its flags, or -1 when it is not one of the core's. */
function readTag(text) {
  const parts = TAG.exec(text);
  if (parts === null) return -1;
  tagHigh = parseInt(parts[1], 16);
  tagLow = parseInt(parts[2], 16);
  return FLAG_TAG | (CODINGS.indexOf(parts[3] ?? "") << TAG_CODING_SHIFT);
}

/** The answer when a decision on this request could not be carried out: the site's own page, ours without a site. */
export function pageOf(record, site, flags, target, lines, failure) {
  const length = write(`${target}\n${lines}`);
  return readDecision(core.fail(record, site, length, flags, failure), "");
}

/** Whether an answer must not be passed on to somebody who asked for a picture of another host. */
export function blocks(status, contentType) {
  return core.blocks(status, write(contentType ?? "")) === 1;
}

/** The header fields that all answers with this set share. */
export function headerSet(record, site, set, flags) {
  core.header_set(record, site, set, flags);
  return fields(readText().split("\n"));
}

function readDecision(kind, target) {
  refresh();
  const status = words[STATUS];
  const set = words[HEADER_SET];
  const form = words[FORM];
  const stem = words[STEM_LENGTH];
  const withBody = (form & 1) === 1;
  const coding = CODINGS[(form >> 3) & 3];
  const size = words[SIZE] === NONE ? undefined : words[SIZE];
  const range = words[RANGE_END] === 0 ? undefined : `bytes=${words[RANGE_START]}-${words[RANGE_END] - 1}`;
  const text = words[TEXT_LENGTH] === 0 ? "" : readText();
  if (kind === READ_FORM) return { kind, limit: size };
  if (kind === PROBE) return { kind, withBody, status, missingStatus: words[SIZE], ...readProbe(text) };
  if (kind === PROXY) return { kind, imagesOnly: withBody, ...readProxy(text) };
  let rest = text;
  let path;
  if (kind === SERVE) {
    if (stem === NONE) [path, rest] = cut(rest, "\n");
    else path = target.slice(0, stem) + SUFFIXES[(form >> 1) & 3];
  }
  const ownPath = stem !== NONE;
  const decision = { kind, withBody, status, path, ownPath, coding, range, set: undefined, size, tag: "", headers: undefined, body: "" };
  if (set !== NONE) {
    decision.set = set;
    decision.tag = `"${hex(words[TAG_HIGH])}${hex(words[TAG_LOW])}${coding && `-${coding}`}"`;
  } else {
    const [head, body] = cut(rest, "\n\n");
    decision.headers = fields(head.split("\n"));
    decision.body = body;
  }
  return decision;
}

function readText() {
  refresh();
  const at = core.text() >>> 0;
  return decoder.decode(memory.subarray(at, at + words[TEXT_LENGTH]));
}

/** Puts text, from a place on, into the input; returns its length in bytes. */
function write(text, from = 0) {
  const length = text.length - from;
  const at = input(length * 3);
  const bytes = memory;
  let seen = 0;
  // Two to four times as fast as an encoder on what requests are made of.
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(from + index);
    bytes[at + index] = code;
    seen |= code;
  }
  return seen < 128 ? length : encoder.encodeInto(text.slice(from), bytes.subarray(at, at + length * 3)).written;
}

function copy(bytes) {
  const at = input(bytes.length);
  memory.set(bytes, at);
  return bytes.length;
}

function input(room) {
  if (room > inputRoom) {
    inputAt = core.input(room) >>> 0;
    inputRoom = room;
  }
  refresh();
  return inputAt;
}

// Growing memory detaches every view of it, and a detached one has no length; in JavaScript it only stops being current.
function refresh() {
  if (detaches && memory?.length > 0) return;
  const { buffer } = core.memory;
  if (memory?.buffer === buffer) return;
  memory = new Uint8Array(buffer);
  words = new Uint32Array(buffer, core.words() >>> 0, WORDS);
}
