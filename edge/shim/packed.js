import unpacker from "./unpack.text";

const module = new WebAssembly.Module(bytesOf(unpacker));

/** Returns the bytes that the build packed into a text. */
export function unpacked(text) {
  // An instance for each text, whose memory goes when it has been read.
  const { memory, input, output, unpack } = new WebAssembly.Instance(module).exports;
  new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, input()));
  return new Uint8Array(memory.buffer, output(), unpack(text.length));
}

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}
