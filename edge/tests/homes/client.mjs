// A client that sends exactly what it is told, and keeps what came back as bytes.

import { once } from "node:events";
import { connect } from "node:net";

/** What hosts add for themselves; everything else is the routine's word. */
const FRAMING = new Set(["date", "connection", "keep-alive", "transfer-encoding", "x-subrequests"]);

/** Sends one request over a connection of its own. Returns `{ status, headers, body, asked }`, headers sorted. */
export async function send(url, { method, host, target, headers = {}, body = "" }) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port });
  const length = body === "" ? {} : { "content-length": Buffer.byteLength(body) };
  const fields = Object.entries({ host, connection: "close", ...headers, ...length });
  socket.write(`${method} ${target} HTTP/1.1\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n${body}`);
  const chunks = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  await once(socket, "close").catch((error) => {
    throw new Error(`${method} ${target} with ${JSON.stringify(headers)} after ${Buffer.concat(chunks).length} bytes`, { cause: error });
  });
  return parse(Buffer.concat(chunks), method);
}

function parse(bytes, method) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) throw new Error(`no answer: ${JSON.stringify(bytes.toString("latin1"))}`);
  const [line, ...fields] = bytes.toString("latin1", 0, end).split("\r\n");
  const all = fields.map((field) => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  });
  const chunked = all.some(([name, value]) => name === "transfer-encoding" && value === "chunked");
  const rest = bytes.subarray(end + 4);
  const headers = all.filter(([name]) => !FRAMING.has(name)).map(([name, value]) => `${name}: ${value}`);
  return {
    status: Number(line.split(" ")[1]),
    headers: headers.sort(),
    body: chunked && method !== "HEAD" ? unchunk(rest) : rest,
    asked: all.find(([name]) => name === "x-subrequests")?.[1],
  };
}

function unchunk(bytes) {
  const parts = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.toString("latin1", at, end), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 4 + size;
  }
}
