const BACKSLASH = 92;

/** Returns the bytes that the build embedded as text: words of five digits, the lowest first; the first word is their number. */
export function embedded(text) {
  const words = new Uint32Array(text.length / 5);
  const digit = (at) => {
    const code = text.charCodeAt(at);
    return code > BACKSLASH ? code - 36 : code - 35;
  };
  for (let index = 0, at = 0; index < words.length; index += 1, at += 5) {
    words[index] = digit(at) + 85 * (digit(at + 1) + 85 * (digit(at + 2) + 85 * (digit(at + 3) + 85 * digit(at + 4))));
  }
  return new Uint8Array(words.buffer, 4, words[0]);
}
