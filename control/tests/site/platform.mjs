// The platform as a user has it: the release programs on free ports and a data folder of their own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const programs = path.resolve(process.env.MIAOBU_PROGRAMS ?? 'target/release');
// Settings of whoever runs the tests are not the test's.
export const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MIAOBU_')));

export async function temporaryFolder(test) {
  const folder = await mkdtemp(path.join(tmpdir(), 'miaobu-site-'));
  test.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

// Below the ports that the system gives to outgoing connections (32768 and up): between this look and the server's start,
// or while a server is down to be started again, no connection of another test can take it.
export async function freePort() {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    const server = createServer();
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

// Starts a program of ours and resolves once it has printed the lines named; the process ends with the test.
export async function start(test, program, args, env, awaited) {
  const child = spawn(path.join(programs, program), args, { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  test.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let log = '';
  child.stderr.on('data', (chunk) => { log += chunk; });
  const lines = {};
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, name, value] = /^([a-z]+): (.*)$/.exec(line) ?? [];
      if (name) lines[name] = value;
      if (awaited.every((name) => name in lines)) resolve();
    });
    ended.then(([code]) => reject(new Error(`${program} ended with ${code} before it was ready:\n${log}`)));
  });
  await ready;
  return { child, ended, lines, log: () => log };
}

// Runs a program to its end.
export async function run(program, args, env = {}, options = {}) {
  const child = spawn(path.join(programs, program), args, { env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => { stdout += chunk; });
  child.stderr.on('data', (chunk) => { stderr += chunk; });
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout, stderr };
}

// A running platform. `miaobu(...)` runs the command line, logged in; `api(...)` calls the API.
export async function platform(test, { args = [], awaited = ['api', 'edge', 'login'], env: extra = {} } = {}) {
  const data = path.join(await temporaryFolder(test), 'data');
  const home = await temporaryFolder(test);
  const env = {
    MIAOBU_DATA_DIR: data,
    MIAOBU_API_ADDR: `127.0.0.1:${await freePort()}`,
    MIAOBU_EDGE_ADDR: `127.0.0.1:${await freePort()}`,
    ...extra,
  };
  const serve = (lines) => start(test, 'miaobu-control', ['serve', ...args], env, lines);
  const self = { env, data, server: await serve(awaited) };
  // The sample is deployed once, so only a first start has a line for it.
  self.restart = async () => { self.server = await serve(awaited.filter((line) => line !== 'sample')); };
  const token = (await run('miaobu-control', ['token', 'create', '--name', 'tests'], env)).stdout.trim();
  const cli = { XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, MIAOBU_URL: self.server.lines.api, MIAOBU_TOKEN: token };
  self.miaobu = (...command) => run('miaobu', command, cli);
  self.cliEnvironment = cli;
  self.token = token;
  self.deploy = async (folder, project, ...more) => {
    const result = await self.miaobu('deploy', folder, '--project', project, '--json', ...more);
    if (result.code !== 0) throw new Error(`deploy ended with ${result.code}: ${result.stderr}`);
    return JSON.parse(result.stdout);
  };
  self.api = async (method, where, body) => {
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) };
    const response = await fetch(self.server.lines.api + where, { method, headers, body: body && JSON.stringify(body) });
    if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  };
  // A request to the edge for a hostname, without a name being resolved.
  self.visit = (hostname, target, headers = {}) => visit(self.server.lines.edge, hostname, target, headers);
  return self;
}

async function visit(edge, hostname, target, headers) {
  const { request } = await import('node:http');
  const { hostname: address, port } = new URL(edge);
  const sent = request({ host: address, port, path: target, headers: { host: `${hostname}:${port}`, ...headers } });
  sent.end();
  const [response] = await once(sent, 'response');
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  return { status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) };
}
