// Requests that nobody would write by hand, made from the document, against a server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

import { platform, temporaryFolder } from '../../control/tests/site/platform.mjs';

const schemathesis = path.resolve(process.env.MIAOBU_SCHEMATHESIS);
const document = path.resolve(import.meta.dirname, '../openapi.json');
// The limits would answer most requests; they have tests of their own.
const unlimited = Object.fromEntries(
  ['REQUESTS_PER_MINUTE', 'ANONYMOUS_REQUESTS_PER_MINUTE', 'LOGINS_PER_MINUTE', 'DEPLOYMENTS_PER_HOUR'].map((name) => [`MIAOBU_LIMITS_${name}`, '0']),
);

// Runs schemathesis and returns what it counted. The time is a bound: what it did until then must be right.
async function fuzz(t, miaobu, caller, seconds, ...args) {
  const command = [
    'run', document, '--url', miaobu.server.lines.api, '--checks', 'all', '--generation-deterministic', '--continue-on-failure',
    '--max-time', String(seconds), '--no-color', '--warnings', 'off', ...args,
  ];
  const env = { ...process.env, MIAOBU_CALLER: caller, SCHEMATHESIS_HOOKS: path.resolve(import.meta.dirname, 'checks.py') };
  const options = { cwd: await temporaryFolder(t), env, maxBuffer: 1 << 26 };
  const { stdout } = await promisify(execFile)(schemathesis, command, options).catch((failure) => failure);
  const [, count] = /^ *(\d+) generated/m.exec(stdout) ?? [];
  assert.match(stdout, /^=+ No issues found in /m, stdout);
  t.diagnostic(`${caller}: ${count} requests`);
  return Number(count);
}

test('no request made from the document is answered otherwise than the document says', async (t) => {
  const miaobu = await platform(t, { env: unlimited });
  const code = miaobu.server.lines.login;
  const login = await fetch(`${miaobu.server.lines.api}/api/v1/auth/login`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ code }),
  });
  const { data } = await login.json();
  // `positive_data_acceptance` knows only shapes (see checks.py). Logging out would end the session of all other requests.
  const args = ['--exclude-checks', 'positive_data_acceptance', '--exclude-operation-id', 'logout', '--max-examples', '15'];
  const count = await fuzz(t, miaobu, 'owner', 50, '-H', `Authorization: Bearer ${data.session_token}`, ...args);
  assert.ok(count > 1000, `${count} requests`);
  const still = await fetch(`${miaobu.server.lines.api}/api/v1/public/user`, { headers: { authorization: `Bearer ${data.session_token}` } });
  assert.equal(still.status, 200, 'the session held to the end');
});

test('a stranger gets nothing from any operation', async (t) => {
  const miaobu = await platform(t, { env: unlimited });
  const checks = ['--checks', 'a_stranger_gets_nothing,every_refusal_is_a_problem,not_a_server_error'];
  for (const credential of [[], ['-H', 'Authorization: Bearer mb_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA000000']]) {
    const phases = ['--phases', 'examples,coverage,fuzzing', '--max-examples', '5'];
    const count = await fuzz(t, miaobu, 'stranger', 15, ...checks, ...phases, ...credential);
    assert.ok(count > 500, `${count} requests`);
  }
});
