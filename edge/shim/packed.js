function unpacker() { "@unpack@"; }

/**
 * Returns the text in a comment that is all that a function holds: the second of its three lines. The source of a function is
 * what was written (ECMA-262, 20.2.3.5). An engine skips a comment, but copies and hashes a string of the same length, which
 * takes an isolate several times as long; V8 skips faster what follows a comment's first line feed.
 */
export const textOf = (function (holder) {
  return String(holder).split("\n")[1];
});

/** Returns the bytes that stand in a text as base64. */
export const decoded = (function (text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  // In a loop, decoding takes several times as long as all that is done with the bytes.
  if (globalThis.Buffer) return Buffer.from(text, "base64");
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
});

/** Returns the bytes that the build packed into a text. */
export function unpacked(text) {
  const { memory, input, output, unpack } = new WebAssembly.Instance(new WebAssembly.Module(decoded(textOf(unpacker)))).exports;
  new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, input()));
  return new Uint8Array(memory.buffer, output(), unpack(text.length));
}
