// Calls a handler as the runtimes for Node do: with an event in bytes, and an answer that may name a status.
const http = require("node:http");
const path = require("node:path");

const [file, name] = process.env.FC_FUNCTION_HANDLER.split(/\.(?=[^.]*$)/);
const loaded = import(require.resolve(path.resolve(process.env.FC_FUNC_CODE_PATH, file)));

async function call(event, request) {
  const code = await loaded;
  const handler = code[name] ?? code.default?.[name];
  if (typeof handler !== "function") throw new Error(`there is no handler ${name} in ${file}`);
  const context = { requestId: request.headers["x-fc-request-id"], function: { name: process.env.FC_FUNCTION_NAME } };
  // An older handler answers through its third argument.
  if (handler.length < 3) return handler(event, context);
  return new Promise((resolve, reject) => {
    handler(event, context, (error, result) => (error ? reject(error) : resolve(result)));
  });
}

http
  .createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    try {
      const result = await call(Buffer.concat(chunks), request);
      const plain = Buffer.isBuffer(result) || typeof result === "string";
      response.end(plain ? result : JSON.stringify(result ?? null));
    } catch (error) {
      response.writeHead(502, { "x-handler-failed": "yes" });
      response.end(JSON.stringify({ errorMessage: error.message, errorType: error.name, stackTrace: String(error.stack).split("\n") }));
    }
  })
  .listen(Number(process.env.FC_SERVER_PORT), "127.0.0.1");
