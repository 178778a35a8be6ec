// The least that a worker can do for an answer of 10 KB.
const body = 'x'.repeat(10_240);

export default { fetch: () => new Response(body, { headers: { 'content-type': 'text/html; charset=utf-8' } }) };
