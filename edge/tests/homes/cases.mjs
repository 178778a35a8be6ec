// Hosts the built routine for a program that has cases to run: `node cases.mjs node|workerd`.
//
// Each line of standard input is a deployed site and a request to it, as JSON; the answer is a line of standard output.
// The sites lie in memory. Whatever the routine asks of other servers is not carried out but told. A line that names a
// suite is a case of the core's parts, and answered with what came of it.

import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { createInterface } from "node:readline";
import { startNode, startWorkerd } from "./start.mjs";
import { startSuites } from "./suites.mjs";

const starts = { node: startNode, workerd: startWorkerd };
const start = starts[process.argv[2]];
if (!start) {
  console.error("usage: cases.mjs node|workerd");
  process.exit(2);
}

let stored = new Map();

const storage = createServer((request, response) => {
  const bytes = stored.get(decodeURIComponent(request.url));
  if (bytes === undefined) return response.writeHead(404).end();
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  const body = start === undefined ? bytes : bytes.subarray(Number(start), Number(end) + 1);
  response.writeHead(start === undefined ? 200 : 206, { "content-length": body.length });
  return response.end(request.method === "HEAD" ? undefined : body);
});
storage.listen(0, "127.0.0.1");
await once(storage, "listening");
const storageUrl = `http://127.0.0.1:${storage.address().port}`;
const home = await start(storageUrl, { tellsRequests: true });
const { port } = new URL(home.url);

let suites;
let count = 0;
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const asked = JSON.parse(line);
    if (asked.suite) {
      suites ??= await startSuites(process.argv[2]);
      answer = await suites.run(asked.suite, asked.case);
    } else answer = await run(asked);
  } catch (error) {
    answer = { error: String(error.stack ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await suites?.stop();
await home.stop();
storage.closeAllConnections();
storage.close();

async function run({ id, record, blob, objects, method, host, target, headers, secure, country }) {
  const bytes = (text) => Buffer.from(text, "hex");
  const name = host.replace(/:\d+$/, "").toLowerCase();
  stored = new Map([[`/kv/${name}`, Buffer.from(record)], [`/kv/d-${id}`, bytes(blob)]]);
  for (const [key, content] of Object.entries(objects)) stored.set(`/objects/${key}`, bytes(content));
  // A port of its own keeps the routine from what it remembers of the host.
  count += 1;
  const fields = { ...Object.fromEntries(headers), host: `${name}:${10_000 + (count % 50_000)}` };
  fields["x-standin-scheme"] = secure ? "https" : "http";
  if (country) fields["x-standin-country"] = country;
  const request = httpRequest({ host: "127.0.0.1", port, method, path: target, headers: fields, agent: false });
  request.end();
  const [response] = await once(request, "response");
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const answered = [];
  let proxied;
  for (let index = 0; index < response.rawHeaders.length; index += 2) {
    const field = response.rawHeaders[index].toLowerCase();
    const value = response.rawHeaders[index + 1];
    if (field === "x-standin-asked") proxied = value.split(" ").reverse();
    else answered.push([field, value]);
  }
  return { status: response.statusCode, headers: answered, body: Buffer.concat(chunks).toString("hex"), proxied };
}
