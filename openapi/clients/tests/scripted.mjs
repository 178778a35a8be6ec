// A server that misbehaves as networks and servers do, and writes down what it was sent.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const at = '2026-11-20T08:30:00.000Z';
const { components: { schemas } } = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url)));

// Some value of a schema, whatever fields it has by now.
function sample(schema) {
  if (schema.nullable) return null;
  if (schema.$ref ?? schema.allOf) return sample(schemas[(schema.$ref ?? schema.allOf[0].$ref).split('/').at(-1)]);
  if (schema.enum) return schema.enum[0];
  const pairs = () => (schema.required ?? []).map((name) => [name, sample(schema.properties[name])]);
  const samples = { string: schema.format === 'date-time' ? at : 'x', integer: 1, number: 1, boolean: false, array: [] };
  return schema.type === 'object' ? Object.fromEntries(pairs()) : samples[schema.type];
}

const project = (id, slug) => ({ ...sample(schemas.Project), id, slug, added_by_a_newer_server: { nested: true } });
const deployment = (id, status) => ({ ...sample(schemas.Deployment), id, status });
const line = (seq) => `id: ${seq}\ndata: ${JSON.stringify({ seq, at, level: 'info', text: `line ${seq}` })}\n\n`;

function problem(response, status, code, headers = {}) {
  const body = { type: `/problems/${code}`, title: 'No', status, detail: `it is ${code}`, instance: '/', code, request_id: 'r-1', errors: [] };
  if (code === 'invalid_request') body.errors.push({ pointer: '/slug', code: 'reserved_slug', detail: 'it is reserved' });
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers }).end(JSON.stringify(body));
}
const json = (response, status, value) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

export async function scripted(test, fakes = {}) {
  const requests = [];
  const blobs = new Map();
  let received = 0;
  const count = (what) => requests.filter((request) => request.what === what).length;
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url, 'http://server');
    const what = `${request.method} ${url.pathname.replace('/api/v1/public', '')}`;
    requests.push({ what, url, headers: request.headers, body });
    const drop = () => request.socket.destroy();
    const answers = {
      // The connection breaks, then the server restarts, then it is still busy with the first try.
      'POST /projects': () => {
        if (JSON.parse(body).slug === 'api') return problem(response, 422, 'invalid_request');
        if (count(what) === 1) return drop();
        if (count(what) === 2) return problem(response, 503, 'unavailable', { 'retry-after': '0' });
        if (count(what) === 3) return problem(response, 409, 'idempotency_key_in_use');
        return json(response, 201, { data: project(1, JSON.parse(body).slug) });
      },
      'GET /projects': () => {
        const from = Number(url.searchParams.get('cursor') ?? 0);
        const data = [project(from + 1, `site-${from + 1}`), project(from + 2, `site-${from + 2}`)];
        return json(response, 200, { data: from === 4 ? data.slice(1) : data, next_cursor: from === 4 ? null : String(from + 2) });
      },
      // Something between client and server answers.
      'GET /user': () => response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>'),
      'GET /projects/caf%C3%A9%2Fbar': () => problem(response, 404, 'not_found'),
      'PATCH /projects/flaky': () => json(response, 200, { data: project(1, 'flaky') }),
      // It breaks within a line, then in silence, then says that lines were dropped, then ends.
      'GET /deployments/7/logs': () => {
        const after = Number(request.headers['last-event-id']);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        if (count(what) === 1) {
          response.write(`: hello\n\n${line(1)}${line(2)}${line(3).slice(0, 20)}`);
          return setTimeout(drop, 50);
        }
        if (count(what) === 2) return response.end(': waiting\n\n');
        return response.end(`${line(after + 1)}event: gap\ndata: {}\n\n${line(after + 5).replaceAll('\n', '\r\n')}event: end\ndata: {"status":"deployed"}\n\n`);
      },
      'POST /projects/flaky/deployments': () => {
        const { files } = JSON.parse(body);
        for (const { sha256, size_bytes } of files) blobs.set(sha256, { sha256, size_bytes, received_bytes: 0 });
        const missing = [...blobs.values()];
        return json(response, 201, { data: { deployment: deployment(7, 'uploading'), upload: { missing, missing_bytes: 1 } } });
      },
      'PUT /deployments/7/blobs': () => json(response, 200, { data: { received_blobs: 1, received_bytes: 1, missing_blobs: 0 } }),
      'GET /deployments/7/upload': () => {
        const missing = [...blobs.values()].filter((blob) => blob.size_bytes > 1000).map((blob) => ({ ...blob, received_bytes: received }));
        return json(response, 200, { data: { missing, missing_bytes: 1 } });
      },
      'POST /deployments/7/finish': () => json(response, 202, { data: deployment(7, 'deploying') }),
      // It is final only when asked again.
      'GET /deployments/7': () => json(response, 200, { data: deployment(7, count(what) === 1 ? 'deploying' : 'deployed') }),
    };
    if (what.startsWith('PUT /deployments/7/blobs/')) {
      if (Number(url.searchParams.get('offset') ?? 0) !== received) return problem(response, 409, 'offset_mismatch');
      received += body.length;
      // The first part arrives, but its answer is lost.
      if (count(what) === 1) return drop();
      const sha256 = what.split('/').at(-1);
      return json(response, 200, { data: { sha256, received_bytes: received, complete: received === blobs.get(sha256).size_bytes } });
    }
    return (fakes[what] ?? answers[what] ?? (() => problem(response, 404, 'not_found')))();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, requests };
}
