// Workers in workerd: their configuration, a process with them, and load on it.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { freePort, temporaryFolder } from '../../../control/tests/site/platform.mjs';
import { processorTime } from '../support.mjs';

const root = new URL('../../../', import.meta.url).pathname;
const program = path.join(root, 'edge/tests/node_modules/.bin/workerd');
const seconds = Number(process.env.RUN_SECONDS ?? 4);

/** A file of this repository by its name, for the modules of a worker. */
export const peer = (name) => path.join(root, 'scripts/bench.d/peers', name);
export const built = (name) => path.join(root, 'wasm-pkg', name);

const KINDS = { '.mjs': 'esModule', '.js': 'esModule', '.wasm': 'wasm' };

function capnp(workers, storagePort, http) {
  const services = workers.map(({ modules, bindings = [], date = '2026-11-01', flags = [] }, number) => `(name = "worker-${number}", worker = (
    modules = [${modules.map((file) => `(name = "${path.basename(file)}", ${KINDS[path.extname(file)]} = embed "${path.basename(file)}")`).join(', ')}],
    bindings = [(name = "STORAGE", text = "http://storage.example"), ${bindings.join(', ')}],
    compatibilityDate = "${date}", compatibilityFlags = [${flags.map((flag) => `"${flag}"`).join(', ')}], globalOutbound = "storage"))`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(',\n')},
    (name = "storage", external = (address = "127.0.0.1:${storagePort}", http = ()))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = ${http})]
);
`;
}

/** Starts a process with workers, the first of which answers; returns it when it listens. */
export async function start(undo, workers, storagePort = 1) {
  const folder = await temporaryFolder(undo);
  const files = new Set(workers.flatMap(({ modules }) => modules));
  for (const file of files) copyFileSync(file, path.join(folder, path.basename(file)));
  for (const [name, bytes] of Object.entries(workers[0].files ?? {})) writeFileSync(path.join(folder, name), bytes);
  const { entrypoint } = workers[0];
  writeFileSync(path.join(folder, 'config.capnp'), capnp(workers, storagePort, entrypoint ? `(name = "worker-0", entrypoint = "${entrypoint}")` : '"worker-0"'));
  // Reading a text of what each worker is made of, and copying that into a message, is not what starting it costs.
  const compiled = await promisify(execFile)(program, ['compile', '--config-only', 'config.capnp'], { cwd: folder, encoding: 'buffer', maxBuffer: 1 << 30 });
  writeFileSync(path.join(folder, 'config.bin'), compiled.stdout);
  const child = spawn(program, ['serve', '--experimental', '--binary', 'config.bin', '--control-fd=3'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => { log += chunk; });
  const ended = once(child, 'exit');
  undo.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const line = await Promise.race([once(createInterface(child.stdio[3]), 'line'), ended.then(() => { throw new Error(`workerd: ${log}`); })]);
  return { pid: child.pid, url: `http://127.0.0.1:${JSON.parse(line[0]).port}` };
}

/** nginx as the storage of all: every object is the same file, but for what lies below `kv` and the manifest. */
export async function storage(undo, folder, types) {
  const port = await freePort();
  const metadata = types.map((type, number) => `~^/${number.toString(16).padStart(2, '0')} '{"contentType":"${type}"}';`);
  writeFileSync(path.join(folder, 'nginx.conf'), `
    daemon off; user root; pid ${folder}/pid; error_log stderr; worker_processes 1;
    events { worker_connections 4096; }
    http {
      access_log off; etag off; sendfile on; tcp_nopush on; keepalive_requests 1000000000; open_file_cache max=1000 inactive=10m;
      map $uri $metadata { default ''; ${metadata.join(' ')} }
      server {
        listen 127.0.0.1:${port}; root ${folder}; default_type application/octet-stream;
        location /kv/ { } location = /manifest { }
        location / { add_header cf-kv-metadata $metadata; try_files /10k =404; }
      }
    }`);
  const child = spawn('nginx', ['-c', path.join(folder, 'nginx.conf')], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  undo.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const ready = () => fetch(`http://127.0.0.1:${port}/10k`).then(({ ok }) => ok, () => false);
  while (!(await ready())) if (child.exitCode !== null) throw new Error('nginx ended');
  return port;
}

/** Sends the requests of a file for some seconds; returns the processor time that one took, in microseconds. */
export async function load({ pid, url }, list, connections = 16) {
  const before = processorTime(pid);
  const { stdout } = await promisify(execFile)('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', peer('requests.lua'), url, '--', list]);
  const used = processorTime(pid) - before;
  if (/Socket errors/.test(stdout)) throw new Error(stdout);
  return used / Number(/(\d+) requests in/.exec(stdout)[1]);
}
