// What the benchmarks of the API share: a server with a filled database, its peer, and the load.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

import { freePort, platform, temporaryFolder } from '../../../../control/tests/site/platform.mjs';
import { processorTime } from '../../support.mjs';

const here = import.meta.dirname;
const python = process.env.MIAOBU_PEER_PYTHON;

// The databases of the run: a file of its own, and PostgreSQL where scripts/with-postgres has started one.
export const databases = ['SQLite', ...(process.env.TEST_DATABASE_URL ? ['PostgreSQL'] : [])];

// A server whose caller has `projects` projects with `each` deployments.
export async function filled(undo, database, projects, each) {
  const env = { MIAOBU_LOG: 'warn' };
  if (database === 'PostgreSQL') env.MIAOBU_DATABASE_URL = await freshDatabase(undo);
  const miaobu = await platform(undo, { env });
  const folder = await temporaryFolder(undo);
  writeFileSync(path.join(folder, 'index.html'), 'seed');
  await miaobu.deploy(folder, 'seed');
  miaobu.server.child.kill('SIGTERM');
  await miaobu.server.ended;
  const url = sqlalchemy(env.MIAOBU_DATABASE_URL, miaobu.data);
  await promisify(execFile)(python, [path.join(here, 'seed.py'), url, projects, each]);
  await miaobu.restart();
  const { data: [newest] } = await miaobu.api('GET', '/api/v1/public/projects/bench-7/deployments');
  return { miaobu, url, newest: newest.id, base: miaobu.server.lines.api, token: miaobu.token, processes: () => [miaobu.server.child.pid] };
}

let made = 0;
async function freshDatabase(undo) {
  const [, base, query] = /^(.*\/)postgres(\?.*)$/.exec(process.env.TEST_DATABASE_URL);
  const host = new URLSearchParams(query).get('host');
  const psql = (statement) => promisify(execFile)('psql', ['--quiet', '-h', host, '-U', 'miaobu', '-d', 'postgres', '-c', statement]);
  made += 1;
  const name = `bench_${made}`;
  await psql(`CREATE DATABASE ${name}`);
  undo.after(() => psql(`DROP DATABASE ${name} WITH (FORCE)`));
  return `${base}${name}${query}`;
}

function sqlalchemy(url, data) {
  if (!url) return `sqlite+aiosqlite:///${path.join(data, 'miaobu.db')}`;
  const [, name, query] = /\/([a-z0-9_]+)(\?.*)$/.exec(url);
  return `postgresql+asyncpg://miaobu@/${name}${query}`;
}

// The same endpoints by FastAPI: as many workers as there are processors, like the server's threads.
export async function peer(undo, { url, token, newest }) {
  const port = await freePort();
  const args = ['-m', 'uvicorn', 'app:app', '--app-dir', here, '--port', port, '--workers', '2', '--no-access-log', '--log-level', 'error'];
  const child = spawn(python, args, { env: { ...process.env, DATABASE_URL: url, PYTHONDONTWRITEBYTECODE: '1' }, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  undo.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const base = `http://127.0.0.1:${port}`;
  const headers = { authorization: `Bearer ${token}` };
  while (!(await fetch(`${base}/api/v1/public/deployments/${newest}`, { headers }).then((answer) => answer.ok, () => false))) {
    if (child.exitCode !== null) throw new Error('the peer ended');
  }
  const processes = () => [child.pid, ...readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').map(Number)];
  return { base, token, processes };
}

// One run of wrk: requests a second, processor time a request in µs, p50 and p99 in ms, and what failed. Each client waits
// `pause` ms on average before it asks again.
export async function load(server, paths, { connections = 32, seconds = Number(process.env.SECONDS ?? 4), pause = 0 } = {}) {
  const used = () => server.processes().reduce((sum, pid) => sum + processorTime(pid), 0);
  const before = used();
  const args = ['-t2', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', path.join(here, 'load.lua'), server.base];
  const { stdout } = await promisify(execFile)('wrk', args, { env: { ...process.env, TOKEN: server.token, PATHS: paths.join('\n'), PAUSE: pause } });
  const cost = used() - before;
  const told = JSON.parse(/^SUMMARY (.*)$/m.exec(stdout)[1]);
  const failed = told.refused + told.broken;
  return { rate: told.requests / (told.micros / 1e6), cost: cost / told.requests, p50: told.p50 / 1000, p99: told.p99 / 1000, failed, requests: told.requests };
}
