// Reads the texts that the core writes beside its words: parts end with line feeds, lists with empty lines.

/** A word as eight hexadecimal digits. */
export function hex(word) {
  return word.toString(16).padStart(8, "0");
}

/** What stands before a separator, and behind it. */
export function cut(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** Header fields, as pairs, of lines `name:value`. */
export function fields(lines) {
  return lines.filter((line) => line !== "").map((line) => cut(line, ":"));
}

export function readProbe(text) {
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

export function readProxy(text) {
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
