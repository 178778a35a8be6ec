// RFC 1951 without checks, for the build made what is read. Synchronous, which the runtime's own streams are not.

const LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
const LONGEST_CODE = 15;
const END = 256;
const STORED = 0;
const FIXED = 1;

/** Returns the bytes that `packed` holds: their number in four bytes, the lowest first, and then themselves, deflated. */
export function inflate(packed) {
  const bytes = new Uint8Array(packed[0] | (packed[1] << 8) | (packed[2] << 16));
  let at = 4;
  let written = 0;
  let bits = 0;
  let held = 0;

  const hold = (count) => {
    while (held < count) {
      bits |= packed[at++] << held;
      held += 8;
    }
  };
  const drop = (count) => {
    bits >>>= count;
    held -= count;
  };
  const take = (count) => {
    hold(count);
    const value = bits & ((1 << count) - 1);
    drop(count);
    return value;
  };
  const symbol = (table) => {
    hold(LONGEST_CODE);
    const entry = table[bits & (table.length - 1)];
    drop(entry & 15);
    return entry >> 4;
  };
  // Lengths and distances grow in groups of so many symbols, each group with one bit more behind its symbols.
  const stepped = (symbol, group) => {
    if (symbol < group * 2) return symbol;
    const extra = Math.floor(symbol / group) - 1;
    return ((group + (symbol % group)) << extra) + take(extra);
  };

  const dynamicTables = () => {
    const literals = take(5) + 257;
    const all = new Uint8Array(literals + take(5) + 1);
    const shape = new Uint8Array(LENGTH_ORDER.length);
    for (let index = 0, count = take(4) + 4; index < count; index += 1) shape[LENGTH_ORDER[index]] = take(3);
    const table = tableOf(shape);
    for (let index = 0; index < all.length; ) {
      const next = symbol(table);
      if (next < 16) all[index++] = next;
      else if (next === 16) all.fill(all[index - 1], index, (index += 3 + take(2)));
      else index += next === 17 ? 3 + take(3) : 11 + take(7);
    }
    return [tableOf(all.subarray(0, literals)), tableOf(all.subarray(literals))];
  };

  for (let last = 0; !last; ) {
    last = take(1);
    const kind = take(2);
    if (kind === STORED) {
      // It begins with the next byte; whole ones that are held already are given back.
      at -= held >> 3;
      bits = held = 0;
      const end = at + 4 + (packed[at] | (packed[at + 1] << 8));
      bytes.set(packed.subarray(at + 4, end), written);
      written += end - at - 4;
      at = end;
      continue;
    }
    const [literals, distances] = kind === FIXED ? fixedTables() : dynamicTables();
    for (let next; (next = symbol(literals)) !== END; ) {
      if (next < END) {
        bytes[written++] = next;
        continue;
      }
      // The longest match has a symbol of its own.
      const length = next === 285 ? 258 : stepped(next - 257, 4) + 3;
      const distance = stepped(symbol(distances), 2) + 1;
      for (const end = written + length; written < end; written += 1) bytes[written] = bytes[written - distance];
    }
  }
  return bytes;
}

function fixedTables() {
  const lengths = new Uint8Array(288).fill(8).fill(9, 144, 256).fill(7, 256, 280);
  return [tableOf(lengths), tableOf(new Uint8Array(30).fill(5))];
}

/** What the next bits mean: the symbol, and in the low four bits the length of its code. */
function tableOf(lengths) {
  const longest = Math.max(...lengths, 1);
  const table = new Uint16Array(1 << longest);
  let code = 0;
  for (let length = 1; length <= longest; length += 1) {
    lengths.forEach((own, symbol) => {
      if (own !== length) return;
      // Codes come with their first bit lowest.
      let place = 0;
      for (let bit = 0; bit < length; bit += 1) place |= ((code >> bit) & 1) << (length - 1 - bit);
      for (; place < table.length; place += 1 << length) table[place] = (symbol << 4) | length;
      code += 1;
    });
    code <<= 1;
  }
  return table;
}
