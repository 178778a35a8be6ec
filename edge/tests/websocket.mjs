// A WebSocket between a visitor and a function, through the homes of the routine that can carry one.
//
//     node --test edge/tests/websocket.mjs

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startNative, startStorage, startWorkerd } from "./homes/start.mjs";

const HOST = "function.localhost";
const KEY = "AAECAwQFBgcICQoLDA0ODw==";
const native = process.env.MIAOBU_PARITY_NATIVE;

const accept = (key) => createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");

/** A frame with a short text (RFC 6455, 5.2); visitors mask theirs. */
function frame(text, masked) {
  const mask = Buffer.from([1, 2, 3, 4]);
  const payload = Buffer.from(text);
  const bytes = masked ? payload.map((byte, index) => byte ^ mask[index & 3]) : payload;
  return Buffer.concat([Buffer.from([0x81, bytes.length | (masked ? 0x80 : 0)]), ...(masked ? [mask] : []), bytes]);
}

/** Reads from a socket: a head, then frames. */
function reader(socket) {
  let bytes = Buffer.alloc(0);
  const chunks = socket[Symbol.asyncIterator]();
  const until = async (complete) => {
    for (;;) {
      const length = complete(bytes);
      if (length > 0 && bytes.length >= length) {
        const taken = bytes.subarray(0, length);
        bytes = bytes.subarray(length);
        return taken;
      }
      const { value, done } = await chunks.next();
      if (done) throw new Error(`the connection ended after ${JSON.stringify(bytes.toString("latin1"))}`);
      bytes = Buffer.concat([bytes, value]);
    }
  };
  return {
    head: async () => (await until((seen) => seen.indexOf("\r\n\r\n") + 4)).toString("latin1"),
    text: async () => {
      const whole = await until((seen) => (seen.length < 2 ? 0 : 2 + (seen[1] & 0x7f) + (seen[1] & 0x80 ? 4 : 0)));
      const masked = (whole[1] & 0x80) !== 0;
      const payload = whole.subarray(masked ? 6 : 2);
      return Buffer.from(masked ? payload.map((byte, index) => byte ^ whole[2 + (index & 3)]) : payload).toString();
    },
  };
}

/** A function that answers every text with what reached it. */
async function startEcho() {
  const server = createServer((request, response) => response.end("no WebSocket"));
  const sockets = new Set();
  server.on("upgrade", async (request, socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    const { headers, url } = request;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept(headers["sec-websocket-key"])}\r\n\r\n`);
    const frames = reader(socket);
    for (;;) {
      const text = await frames.text().catch(() => undefined);
      if (text === undefined) return;
      socket.write(frame(`${url} ${headers["x-forwarded-host"]} ${text}`, false));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const stop = () => {
    sockets.forEach((socket) => socket.destroy());
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

async function speak(url) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port });
  try {
    const answer = reader(socket);
    socket.write(`GET /chat?room=1 HTTP/1.1\r\nhost: ${HOST}\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${KEY}\r\n\r\n`);
    const head = await answer.head();
    assert.match(head, /^HTTP\/1\.1 101 /);
    assert.ok(head.toLowerCase().includes(`sec-websocket-accept: ${accept(KEY).toLowerCase()}`), head);
    for (const text of ["one", "two"]) {
      socket.write(frame(text, true));
      assert.equal(await answer.text(), `/chat?room=1 ${HOST} ${text}`);
    }
  } finally {
    socket.destroy();
  }
}

test("a visitor and a function talk over a WebSocket, through workerd and through the native edge", async () => {
  const folder = mkdtempSync(join(tmpdir(), "miaobu-websocket-"));
  const running = [];
  const keep = async (starting) => {
    running.push(await starting);
    return running.at(-1).url;
  };
  try {
    const endpoint = await keep(startEcho());
    mkdirSync(join(folder, "kv"));
    mkdirSync(join(folder, "objects"));
    writeFileSync(join(folder, "kv", HOST), JSON.stringify({ type: "node", fc_endpoint: endpoint, deployment_id: 10 }));
    const storage = await keep(startStorage(folder));
    await speak(await keep(startWorkerd(storage)));
    if (native) await speak(await keep(startNative(native, folder)));
  } finally {
    for (const home of running.reverse()) await home.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
