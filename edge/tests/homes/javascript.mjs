// The routine where WebAssembly is missing: `node javascript.mjs STORAGE` prints its URL, and ends with its standard input.

import { startNode } from "./start.mjs";

const [storage] = process.argv.slice(2);
// Part of Node's own fetch is WebAssembly, made at its first use.
await (await fetch(`${storage}/nothing`)).arrayBuffer();
delete globalThis.WebAssembly;

const { url } = await startNode(storage, { bundle: "esa-js.js" });
console.log(url);
process.stdin.resume().on("end", () => process.exit());
