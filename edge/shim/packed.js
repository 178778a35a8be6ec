import unpacker from "./unpack.text";

/** Returns the bytes that stand in a text as base64. */
export function decoded(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  // In a loop, decoding takes several times as long as all that is done with the bytes.
  if (globalThis.Buffer) return Buffer.from(text, "base64");
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Returns the bytes that the build packed into a text. */
export function unpacked(text) {
  const { memory, input, output, unpack } = new WebAssembly.Instance(new WebAssembly.Module(decoded(unpacker))).exports;
  new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, input()));
  return new Uint8Array(memory.buffer, output(), unpack(text.length));
}
