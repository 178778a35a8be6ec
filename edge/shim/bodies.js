// Bodies of small files that are asked for often, in the isolate's own memory: an answer from there costs no sub-request.
//
// Under a deployment's folder nothing ever changes, so that a name stands for the same bytes for good. For the same reason
// nothing is purged: a deployment that is deleted has no route, so that nobody asks for its files, and they make room in time.

const MAX_BODY = 64 * 1024;
/** What keeping a body takes beside its bytes and its name, about. */
const OVERHEAD = 512;
const MAX_SEEN = 4_096;
const MAX_FILLS = 256;
/** A runtime may drop what goes on after an answer; then another request may try. */
const FILL_MS = 10_000;

// In the order of their last use.
const kept = new Map();
const seen = new Set();
const fills = new Map();
let size = 0;

/** The bytes of an object, all of them, or undefined. */
export function keptBody(name) {
  const bytes = kept.get(name);
  if (bytes) {
    kept.delete(name);
    kept.set(name, bytes);
  }
  return bytes;
}

/**
 * Returns the body to answer with, that of `stored`, whole and of this length. From the second request on, a copy of it is
 * kept when it has passed, and others leave, so that all take up to `most` bytes. A scan asks once, and evicts nothing.
 */
export function passBody(name, stored, length, most, context) {
  const { body } = stored;
  if (!(length <= MAX_BODY && weight(name, length) <= most) || !body) return body;
  if (!seen.has(name)) {
    if (seen.size >= MAX_SEEN) seen.clear();
    seen.add(name);
    return body;
  }
  const now = Date.now();
  if (now - fills.get(name) < FILL_MS) return body;
  if (fills.size >= MAX_FILLS) fills.clear();
  fills.set(name, now);
  const [passed, copy] = body.tee();
  const filled = fill(name, copy, length, most);
  context?.waitUntil(filled);
  return passed;
}

async function fill(name, stream, length, most) {
  const bytes = new Uint8Array(length);
  let read = 0;
  try {
    for await (const chunk of stream) {
      // Throws where there is more than there should be.
      bytes.set(chunk, read);
      read += chunk.length;
    }
    if (read === length) keep(name, bytes, most);
  } catch {
    // Where the stream broke off, so does the visitor's own.
  } finally {
    fills.delete(name);
  }
}

function keep(name, bytes, most) {
  drop(name);
  const wanted = weight(name, bytes.length);
  for (const oldest of kept.keys()) {
    if (size + wanted <= most) break;
    drop(oldest);
  }
  kept.set(name, bytes);
  size += wanted;
}

function drop(name) {
  const bytes = kept.get(name);
  if (bytes === undefined) return;
  kept.delete(name);
  size -= weight(name, bytes.length);
}

function weight(name, length) {
  return length + 2 * name.length + OVERHEAD;
}

/** Whether an object lies under the folder of a deployment, which is named after it: only there its name is for good. */
export function isLasting(object, { entry, folder }) {
  entry.lasting ??= folder.endsWith(`/${/^d-(\d+)/.exec(entry.site)?.[1]}`);
  return entry.lasting && object.startsWith(folder);
}
