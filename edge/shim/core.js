// The other end of edge/src/wasm.rs: calls the core, and reads what it wrote into memory. Knows layouts, decides nothing.

/** In place of a record's handle. A handle of 0 means that the stored bytes are damaged. */
export const UNKNOWN = 0xffffffff;
export const UNAVAILABLE = 0xfffffffe;

export const SERVE = 1;
export const PROBE = 2;
export const PROXY = 3;
const ANSWER = 4;
export const READ_FORM = 5;
export const SHARD = 6;

export const STORAGE_UNAVAILABLE = 0;
export const OBJECT_MISSING = 1;
export const FUNCTION_UNREACHABLE = 2;
export const FUNCTION_TIMED_OUT = 3;
export const NOT_AN_IMAGE = 4;

/** What the core reads of every request, after the letter that begins its line. */
export const FIELDS = "n:if-none-match a:accept e:accept-encoding m:sec-fetch-mode o:connection s:if-match d:if-modified-since u:if-unmodified-since r:range g:if-range p:sec-fetch-dest"
  .split(" ").map((field) => cut(field, ":"));

const METHODS = ["GET", "HEAD", "OPTIONS"];
const OTHER_METHOD = 3;
const METHOD_MASK = 3;
const HEAD = 1;
const FLAG_SECURE = 1 << 2;
const FLAG_DEPLOYMENT_HEADER = 1 << 3;
// Of ordinary requests only: whether there is a tag, above that bit its coding, then whether the words are to
// say what is served, and whether nothing is to be told at a glance.
const FLAG_TAG = 1 << 4;
const TAG_CODING_SHIFT = 5;
const FLAG_TELL = 1 << 7;
const FLAG_FURTHER = 1 << 8;
/** The method, and whether it came over TLS. */
const FLAGS_OF_TARGETS = 7;

// What `ordinary` returns begins with one of these in its two low bits; 0 is none of them.
const ORDINARY_MASK = 3;
const ORDINARY_FILE = 1;
const ORDINARY_REDIRECT = 2;
const REDIRECT_EXTERNAL = 1 << 2;
const FILE_HELD = 1 << 5;

/**
 * So many answers to ordinary requests are kept, of all hosts together, so many targets that lead to no file are remembered
 * with theirs, each up to so long, and so many Accept-Encoding fields.
 */
const MAX_ANSWERS = 4_096;
const MAX_TARGETS = 4_096;
const MAX_TARGET_LENGTH = 256;
const MAX_ENCODINGS = 256;

// Places of the words that the core writes.
const STATUS = 1;
const HEADER_SET = 2;
const FORM = 3;
const STEM_LENGTH = 4;
const SIZE = 5;
const TAG_HIGH = 6;
const TAG_LOW = 7;
const TEXT_LENGTH = 8;
const RANGE_START = 9;
const RANGE_END = 10;
const RULES = 11;
const WORDS = 12;

const NONE = 0xffffffff;
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

export class Core {
  #exports;
  #rest;
  #bytes;
  #words;
  #wordsAt;
  #inputAt;
  #room = 0;
  #codings = new Map(USUAL_ENCODINGS);
  #lastEncoding;
  #lastCodings = 0;
  #tagHigh = 0;
  #tagLow = 0;
  // By record, and by what the core says of a request. Those of the last record are at hand.
  #answers = new Map();
  #answerCount = 0;
  #lastAnswers;
  #lastRecord = 0;
  #targets = new Map();
  #targetCount = 0;
  #wanted = 0;
  #detaches;
  #encoder = new TextEncoder();
  #decoder = new TextDecoder();

  /**
   * Takes a compiled module, and what returns that of the rest, or a promise of it. Where there is no WebAssembly, takes a
   * function that makes an instance of all of it.
   */
  constructor(module, rest) {
    this.#detaches = typeof module !== "function";
    this.#rest = rest;
    this.#exports = typeof module === "function" ? module() : new WebAssembly.Instance(module).exports;
    this.#wordsAt = this.#exports.words() >>> 0;
  }

  /** Whether all of the core is there, which everything but keys, records, sites, header sets and `ask` takes. */
  get isComplete() {
    return this.#rest === undefined;
  }

  /** Adds what is missing. */
  async complete() {
    try {
      const module = await this.#rest();
      // Another request may have done it meanwhile.
      if (this.#rest) new WebAssembly.Instance(module, { first: this.#exports });
      this.#rest = undefined;
    } catch (error) {
      // As a trap, it leaves a core that can't be used.
      throw new WebAssembly.RuntimeError(`the rest was not loaded: ${error}`);
    }
  }

  /** The KV key of a host. */
  key(host, encoded) {
    this.#exports.record_key(this.#write(host), encoded ? 1 : 0);
    return this.#text();
  }

  /**
   * Returns `{ handle, folder, site, copy, asks }`; the handle is 0 when the bytes are no record. A record that asks for
   * fields of the request leads to more than one answer.
   */
  loadRecord(bytes) {
    return this.#record(this.#exports.load_record(this.#copy(bytes)));
  }

  /** The record of one of the deployments that `choose` names, as of `loadRecord`. */
  loadVariant(record, number) {
    return this.#record(this.#exports.load_variant(record, number));
  }

  #record(handle) {
    const [folder, site, copy, ...asks] = handle === 0 ? [] : this.#text().split("\n");
    return { handle, folder, site, copy, asks };
  }

  /** Which deployment a request gets: 0 for the record's own. */
  choose(record, target, lines) {
    return this.#exports.select(0, record, 0, this.#write(`${target}\n${lines}`));
  }

  /** Whether a site lacks the file that a request looks for, and the other side of a split may have it. */
  misses(record, site, target, lines) {
    return this.#exports.select(1, record, site, this.#write(`${target}\n${lines}`)) === 1;
  }

  /** Returns `{ has, shard }`: whether a site has the file under a name that carries a hash, or the shard that it takes to say so. */
  hasHashed(record, site, target, lines) {
    const answer = this.#exports.select(2, record, site, this.#write(`${target}\n${lines}`));
    return { has: answer === 1, shard: answer > 1 ? answer - 2 : undefined };
  }

  /** Returns `{ handle, fields }`: a handle, 0 when the bytes are no site, and what its rules read of a request. */
  loadSite(bytes) {
    const length = this.#copy(bytes);
    // The core keeps the memory that the bytes lie in.
    this.#room = 0;
    const handle = this.#exports.load_site(length);
    return { handle, fields: handle === 0 ? [] : this.#text().split("\n").filter((name) => name !== "") };
  }

  /** Returns whether the bytes were a shard of the site, which now has it. */
  loadShard(site, bytes) {
    const length = this.#copy(bytes);
    this.#room = 0;
    return this.#exports.load_shard(site, length) === 1;
  }

  dropShards(site) {
    this.#exports.drop_shards(site);
  }

  dropRecord(handle) {
    this.#answers.delete(handle);
    this.#targets.delete(handle);
    this.#lastRecord = 0;
    this.#exports.drop_record(handle);
  }

  dropSite(handle) {
    this.#exports.drop_site(handle);
  }

  /** Decides a request: its target, and then `name:value` lines, each with its line feed. */
  decide(record, site, flags, target, lines) {
    const wanted = this.#wanted;
    this.#wanted = 0;
    const length = this.#write(`${target}\n${lines}`);
    const decision = this.#decision(this.#exports.decide(record, site, length, flags), target);
    if (wanted !== 0 && decision.kind !== SHARD) this.#keep(record, wanted, decision);
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
  ask(record, site, flags, url, at, acceptEncoding, etag) {
    this.#wanted = 0;
    if ((flags & METHOD_MASK) > HEAD) return undefined;
    const codings = acceptEncoding === this.#lastEncoding ? this.#lastCodings : this.#codingsOf(acceptEncoding);
    const length = this.#write(url, at);
    const answers = record === this.#lastRecord ? this.#lastAnswers : this.#answersOf(record);
    const id = this.#exports.ordinary(record, site, length, flags, codings, 0, 0);
    if (id !== 0) {
      const known = answers.get(etag === null ? id : id | FILE_HELD);
      if (known !== undefined && (etag === null || known.tag === etag)) return known;
    }
    // Only files are told at a glance, for which the first module is enough.
    if (id === 0 && this.#rest) return undefined;
    const tag = etag === null ? 0 : this.#readTag(etag);
    if (tag < 0) return undefined;
    return this.#further(record, site, id === 0 ? flags | tag | FLAG_FURTHER : flags | tag, length, url, at, codings, answers);
  }

  #further(record, site, flags, length, url, at, codings, answers) {
    const target = url.slice(at);
    const targets = flags & FLAG_FURTHER ? this.#targetsOf(record, (codings << 4) | (flags & FLAGS_OF_TARGETS)) : undefined;
    const remembered = targets?.get(target);
    if (remembered !== undefined) return remembered;
    const ask = (more) => this.#exports.ordinary(record, site, length, flags | more, codings, this.#tagHigh, this.#tagLow);
    const id = ask(0);
    if (id === 0) return undefined;
    const isFile = (id & ORDINARY_MASK) === ORDINARY_FILE;
    this.#refresh();
    const key = isFile ? id : (id >>> 0) + this.#words[RULES] * 2 ** 32;
    const known = answers.get(key);
    if (isFile) {
      if (known !== undefined) return known;
      ask(FLAG_TELL);
      const decision = this.#decision(this.#words[STATUS] === 304 ? ANSWER : SERVE, target);
      this.#keep(record, key, decision);
      return decision;
    }
    const isRedirect = (id & ORDINARY_MASK) === ORDINARY_REDIRECT;
    const location = isRedirect ? this.#text() : undefined;
    // On its own host, a URL leads to a path.
    if (isRedirect && id & REDIRECT_EXTERNAL && location.slice(0, at).toLowerCase() === url.slice(0, at).toLowerCase()) return undefined;
    if (known === undefined) {
      this.#wanted = key;
      return undefined;
    }
    const answer = isRedirect ? { kind: known.kind, status: known.status, headers: known.headers, body: "", location, shared: known } : known;
    if (target.length <= MAX_TARGET_LENGTH) this.#remember(targets, target, answer);
    return answer;
  }

  /** What is remembered of targets that lead to no file: by record, and by what else an answer depends on. */
  #targetsOf(record, variant) {
    let variants = this.#targets.get(record);
    if (variants === undefined) this.#targets.set(record, (variants = new Map()));
    let targets = variants.get(variant);
    if (targets === undefined) variants.set(variant, (targets = new Map()));
    return targets;
  }

  #remember(targets, target, answer) {
    if (this.#targetCount === MAX_TARGETS) {
      this.#targets.clear();
      this.#targetCount = 0;
    }
    this.#targetCount += 1;
    targets.set(target, answer);
  }

  #answersOf(record) {
    let answers = this.#answers.get(record);
    if (answers === undefined) this.#answers.set(record, (answers = new Map()));
    this.#lastRecord = record;
    return (this.#lastAnswers = answers);
  }

  /** Keeps a decision for the next request that is answered alike. */
  #keep(record, key, decision) {
    if (this.#answerCount === MAX_ANSWERS) {
      this.#answers.clear();
      this.#answerCount = 0;
      this.#lastRecord = 0;
    }
    this.#answerCount += 1;
    const isRedirect = (key & ORDINARY_MASK) === ORDINARY_REDIRECT;
    const kept = isRedirect ? { ...decision, headers: decision.headers.filter(([name]) => name !== "location") } : decision;
    this.#answersOf(record).set(key, kept);
  }

  /** What an Accept-Encoding means for each set of stored forms. */
  #codingsOf(header) {
    if (header === null) return 0;
    let codings = this.#codings.get(header);
    if (codings === undefined) {
      codings = this.#exports.codings(this.#write(header));
      if (this.#codings.size >= MAX_ENCODINGS) this.#codings.clear();
      this.#codings.set(header, codings);
    }
    this.#lastEncoding = header;
    return (this.#lastCodings = codings);
  }

  /** Takes a tag in as two words; returns its flags, or -1 when it is not one of the core's. */
  #readTag(text) {
    const parts = TAG.exec(text);
    if (parts === null) return -1;
    this.#tagHigh = parseInt(parts[1], 16);
    this.#tagLow = parseInt(parts[2], 16);
    return FLAG_TAG | (CODINGS.indexOf(parts[3] ?? "") << TAG_CODING_SHIFT);
  }

  /** The answer when a decision on this request could not be carried out: the site's own page, ours without a site. */
  fail(record, site, flags, target, lines, failure) {
    const length = this.#write(`${target}\n${lines}`);
    return this.#decision(this.#exports.fail(record, site, length, flags, failure), "");
  }

  /** Whether an answer must not be passed on to somebody who asked for a picture of another host. */
  blocks(status, contentType) {
    return this.#exports.blocks(status, this.#write(contentType ?? "")) === 1;
  }

  /** The header fields that all answers with this set share. */
  headerSet(record, site, set, flags) {
    this.#exports.header_set(record, site, set, flags);
    return fields(this.#text().split("\n"));
  }

  #decision(kind, target) {
    this.#refresh();
    const words = this.#words;
    const status = words[STATUS];
    const set = words[HEADER_SET];
    const form = words[FORM];
    const stem = words[STEM_LENGTH];
    const withBody = (form & 1) === 1;
    const coding = CODINGS[(form >> 3) & 3];
    const size = words[SIZE] === NONE ? undefined : words[SIZE];
    const range = words[RANGE_END] === 0 ? undefined : `bytes=${words[RANGE_START]}-${words[RANGE_END] - 1}`;
    const text = words[TEXT_LENGTH] === 0 ? "" : this.#text();
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

  #text() {
    this.#refresh();
    const at = this.#exports.text() >>> 0;
    return this.#decoder.decode(this.#bytes.subarray(at, at + this.#words[TEXT_LENGTH]));
  }

  /** Puts text, from a place on, into the input; returns its length in bytes. */
  #write(text, from = 0) {
    const length = text.length - from;
    const at = this.#input(length * 3);
    const bytes = this.#bytes;
    let seen = 0;
    // Two to four times as fast as an encoder on what requests are made of.
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(from + index);
      bytes[at + index] = code;
      seen |= code;
    }
    return seen < 128 ? length : this.#encoder.encodeInto(text.slice(from), bytes.subarray(at, at + length * 3)).written;
  }

  #copy(bytes) {
    const at = this.#input(bytes.length);
    this.#bytes.set(bytes, at);
    return bytes.length;
  }

  #input(room) {
    if (room > this.#room) {
      this.#inputAt = this.#exports.input(room) >>> 0;
      this.#room = room;
    }
    this.#refresh();
    return this.#inputAt;
  }

  // Growing memory detaches every view of it, and a detached one has no length; in JavaScript it only stops being current.
  #refresh() {
    if (this.#detaches && this.#bytes?.length > 0) return;
    const { buffer } = this.#exports.memory;
    if (this.#bytes?.buffer === buffer) return;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer, this.#wordsAt, WORDS);
  }
}

function hex(word) {
  return word.toString(16).padStart(8, "0");
}

function cut(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function fields(lines) {
  return lines.filter((line) => line !== "").map((line) => cut(line, ":"));
}

function readProbe(text) {
  const candidates = [];
  for (;;) {
    const [group, rest] = cut(text, "\n\n");
    // The group after the last candidate begins with an empty line.
    if (group.startsWith("\n")) return { candidates, missingHeaders: fields(group.split("\n")), missingBody: rest };
    const [path, ...lines] = group.split("\n");
    candidates.push({ path, headers: fields(lines) });
    text = rest;
  }
}

function readProxy(text) {
  const [url, lists] = cut(text, "\n");
  const [removeFromRequest, setOnRequest, removeFromAnswer, setOnAnswer] = splitLists(lists);
  return { url, removeFromRequest, setOnRequest: fields(setOnRequest), removeFromAnswer, setOnAnswer: fields(setOnAnswer) };
}

function splitLists(text) {
  const lists = [[]];
  for (const line of text.split("\n")) {
    if (line === "") lists.push([]);
    else lists.at(-1).push(line);
  }
  return lists;
}
