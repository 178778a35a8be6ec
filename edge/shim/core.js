// The other end of edge/src/wasm.rs: calls the core, and reads what it wrote into memory. Knows layouts, decides nothing.

/** In place of a record's handle. A handle of 0 means that the stored bytes are damaged. */
export const UNKNOWN = 0xffffffff;
export const UNAVAILABLE = 0xfffffffe;

export const SERVE = 1;
export const PROBE = 2;
export const PROXY = 3;

export const STORAGE_UNAVAILABLE = 0;
export const OBJECT_MISSING = 1;
export const FUNCTION_UNREACHABLE = 2;
export const FUNCTION_TIMED_OUT = 3;

const METHODS = { GET: 0, HEAD: 1, OPTIONS: 2 };
const OTHER_METHOD = 3;
const FLAG_SECURE = 1 << 2;
const FLAG_DEPLOYMENT_HEADER = 1 << 3;

const NONE = 0xffffffff;
const SUFFIXES = ["", ".html", "/index.html"];

export function flagsOf(method, secure, deploymentHeader) {
  return (METHODS[method] ?? OTHER_METHOD) | (secure ? FLAG_SECURE : 0) | (deploymentHeader ? FLAG_DEPLOYMENT_HEADER : 0);
}

export class Core {
  #exports;
  #bytes;
  #wordsAt;
  #encoder = new TextEncoder();
  #decoder = new TextDecoder();

  constructor(module) {
    this.#exports = new WebAssembly.Instance(module, {}).exports;
    this.#wordsAt = this.#exports.words() >>> 0;
    this.#refresh();
  }

  /** The KV key of a host. */
  key(host, encoded) {
    this.#exports.record_key(this.#write(host), encoded ? 1 : 0);
    return this.#text();
  }

  /** Returns `{ handle, folder, site, copy }`; the handle is 0 when the bytes are no record. */
  loadRecord(bytes) {
    const handle = this.#exports.load_record(this.#copy(bytes));
    const [folder, site, copy] = handle === 0 ? [] : this.#text().split("\n");
    return { handle, folder, site, copy };
  }

  /** Returns a handle, 0 when the bytes are no site. */
  loadSite(bytes) {
    return this.#exports.load_site(this.#copy(bytes));
  }

  dropRecord(handle) {
    this.#exports.drop_record(handle);
  }

  dropSite(handle) {
    this.#exports.drop_site(handle);
  }

  /** Decides a request: its target, and then `name:value` lines, each with its line feed. */
  decide(record, site, flags, target, lines) {
    const length = this.#write(`${target}\n${lines}`);
    return this.#decision(this.#exports.decide(record, site, length, flags), target);
  }

  /** The answer when a decision could not be carried out. */
  fail(record, site, flags, failure) {
    return this.#decision(this.#exports.fail(record, site, flags, failure), "");
  }

  /** The header fields that all answers with this set share. */
  headerSet(record, site, set, flags) {
    this.#exports.header_set(record, site, set, flags);
    return fields(this.#text().split("\n"));
  }

  #decision(kind, target) {
    this.#refresh();
    const words = new Uint32Array(this.#exports.memory.buffer, this.#wordsAt, 9);
    const [, status, set, bodyAndClass, stem, size, high, low, length] = words;
    const text = length === 0 ? "" : this.#text();
    const withBody = (bodyAndClass & 1) === 1;
    switch (kind) {
      case PROBE:
        return { kind, withBody, status, missingStatus: size, ...readProbe(text) };
      case PROXY:
        return { kind, ...readProxy(text) };
    }
    let rest = text;
    let path;
    if (kind === SERVE) {
      if (stem === NONE) {
        [path, rest] = cut(rest, "\n");
      } else {
        path = target.slice(0, stem) + SUFFIXES[bodyAndClass >> 1];
      }
    }
    if (set !== NONE) {
      return { kind, withBody, status, path, ownPath: stem !== NONE, set, size, tag: `"${hex(high)}${hex(low)}"` };
    }
    const [head, body] = cut(rest, "\n\n");
    return { kind, withBody, status, path, ownPath: stem !== NONE, headers: fields(head.split("\n")), body };
  }

  #text() {
    this.#refresh();
    const at = this.#exports.text() >>> 0;
    const length = new Uint32Array(this.#bytes.buffer, this.#wordsAt, 9)[8];
    return this.#decoder.decode(this.#bytes.subarray(at, at + length));
  }

  /** Puts text into the input; returns its length in bytes. */
  #write(text) {
    const room = text.length * 3;
    const at = this.#exports.input(room) >>> 0;
    this.#refresh();
    return this.#encoder.encodeInto(text, this.#bytes.subarray(at, at + room)).written;
  }

  #copy(bytes) {
    const at = this.#exports.input(bytes.length) >>> 0;
    this.#refresh();
    this.#bytes.set(bytes, at);
    return bytes.length;
  }

  // Growing memory detaches every view of it.
  #refresh() {
    const { buffer } = this.#exports.memory;
    if (this.#bytes?.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
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
