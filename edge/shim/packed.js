import unpacker from "./unpack.json";

// A list of numbers, for a loop that decodes so much costs as much as all that is done with it.
const module = new WebAssembly.Module(new Uint8Array(unpacker));

/** Returns the bytes that the build packed into a text. */
export function unpacked(text) {
  // An instance for each text, whose memory goes when it has been read.
  const { memory, input, output, unpack } = new WebAssembly.Instance(module).exports;
  new TextEncoder().encodeInto(text, new Uint8Array(memory.buffer, input()));
  return new Uint8Array(memory.buffer, output(), unpack(text.length));
}
