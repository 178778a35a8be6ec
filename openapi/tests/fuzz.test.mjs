// Requests that nobody would write by hand, made from the document, against a server.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
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

// They would end the session of all other requests, and come last.
const endsSessions = ['logout', 'revokeSession', 'setPassword'];

// `positive_data_acceptance` knows only shapes. Beside what it accepts as it comes, an operation may refuse what its
// description says that it does.
const accepted = ['2xx', '3xx', '401', '403', '404', '409', '429', '5xx'];
async function configuration() {
  const { paths } = JSON.parse(await readFile(document));
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
  return operations.map(({ operationId, description }) => {
    const statuses = new Set([...accepted, ...[...description.matchAll(/`\w+`\s\((4\d\d)[,)]/g)].map(([, status]) => status)]);
    return `[[operations]]
include-operation-id = ${JSON.stringify(operationId)}
checks.positive_data_acceptance.expected-statuses = ${JSON.stringify([...statuses])}
`;
  }).join('');
}

// Runs schemathesis and returns what it counted. The time is a bound: what it did until then must be right.
async function fuzz(t, miaobu, caller, checks, seconds, args, objects = {}) {
  const command = [
    'run', document, '--url', miaobu.server.lines.api, '--checks', checks, '--generation-deterministic', '--continue-on-failure',
    '--max-time', String(seconds), '--no-color', '--warnings', 'off', ...args,
  ];
  const env = { ...process.env, MIAOBU_CALLER: caller, MIAOBU_OBJECTS: JSON.stringify(objects), SCHEMATHESIS_HOOKS: path.resolve(import.meta.dirname, 'checks.py') };
  const options = { cwd: await temporaryFolder(t), env, maxBuffer: 1 << 26 };
  await writeFile(path.join(options.cwd, 'schemathesis.toml'), await configuration());
  const { stdout } = await promisify(execFile)(schemathesis, command, options).catch((failure) => failure);
  const [, count] = /^ *(\d+) generated/m.exec(stdout) ?? [];
  assert.match(stdout, /^=+ No issues found in /m, stdout);
  t.diagnostic(`${caller}: ${count} requests`);
  return Number(count);
}

// Asks the API and returns the data of the answer, which has to be a success.
async function ask(miaobu, token, method, where, body) {
  const answer = await fetch(`${miaobu.server.lines.api}/api/v1${where}`, {
    method,
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${where}: ${answer.status} ${text}`);
  return text && JSON.parse(text).data;
}

test('no request made from the document is answered otherwise than the document says', async (t) => {
  const miaobu = await platform(t, { env: unlimited });
  const data = await ask(miaobu, '', 'POST', '/auth/login', { code: miaobu.server.lines.login });
  const args = ['-H', `Authorization: Bearer ${data.session_token}`, '--max-examples', '15'];
  const ending = (how) => endsSessions.flatMap((operation) => [`--${how}-operation-id`, operation]);
  const count = await fuzz(t, miaobu, 'owner', 'all', 50, [...args, ...ending('exclude')]);
  assert.ok(count > 1000, `${count} requests`);
  const still = await fetch(`${miaobu.server.lines.api}/api/v1/public/user`, { headers: { authorization: `Bearer ${data.session_token}` } });
  assert.equal(still.status, 200, 'the session held to the end');
  await fuzz(t, miaobu, 'owner', 'all', 5, [...args, ...ending('include')]);
});

test('a stranger gets nothing from any operation', async (t) => {
  const miaobu = await platform(t, { env: unlimited });
  const checks = 'a_stranger_gets_nothing,every_refusal_is_a_problem,not_a_server_error';
  for (const credential of [[], ['-H', 'Authorization: Bearer mb_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA000000']]) {
    const phases = ['--phases', 'examples,coverage,fuzzing', '--max-examples', '5'];
    const count = await fuzz(t, miaobu, 'stranger', checks, 15, [...phases, ...credential]);
    assert.ok(count > 200, `${count} requests`);
  }
});

test('another user gets nothing of what belongs to somebody else', async (t) => {
  const miaobu = await platform(t, { env: unlimited });
  const { session_token: owner } = await ask(miaobu, '', 'POST', '/auth/login', { code: miaobu.server.lines.login });
  const asOwner = (method, where, body) => ask(miaobu, owner, method, `/public${where}`, body);
  const make = async (where, body) => (await asOwner('POST', where, body)) ?? {};

  // An account is made by an invitation; the invited leaves, and has nothing in common with the owner any more.
  const lobby = await make('/teams', { name: 'Lobby' });
  const invited = await make(`/teams/${lobby.id}/invitations`, { email: 'eve@example.com', role: 'viewer' });
  const account = { invitation: invited.secret, login: 'eve', password: 'correct horse battery staple' };
  const { session_token: foreigner, user } = await ask(miaobu, '', 'POST', '/auth/register', account);
  await asOwner('DELETE', `/teams/${lobby.id}/members/${user.id}`);

  const project = await make('/projects', { slug: 'shop' });
  const { env_var: variable } = await make('/projects/shop/env-vars', { name: 'KEY', value: 'hunter2' });
  const domain = await make('/projects/shop/domains', { name: 'www.example.com' });
  const files = [{ path: 'index.html', sha256: '0'.repeat(64), size_bytes: 1 }];
  const { deployment } = await make('/projects/shop/deployments', { files });
  const invitation = await make(`/teams/${project.team_id}/invitations`, { email: 'ann@example.com' });
  const objects = {
    project: 'shop', team_id: project.team_id, deployment_id: deployment.id, env_var_id: variable.id, domain_id: domain.id,
    invitation_id: invitation.invitation.id,
  };
  const everything = () => Promise.all(
    ['/projects/shop', '/projects/shop/env-vars', '/projects/shop/domains', `/deployments/${deployment.id}`, `/teams/${project.team_id}`,
      `/teams/${project.team_id}/members`, `/teams/${project.team_id}/invitations`, `/deployments/${deployment.id}/logs`,
    ].map((where) => asOwner('GET', where)),
  );
  const before = await everything();
  const checks = 'a_foreigner_gets_nothing,every_refusal_is_a_problem,not_a_server_error';
  const args = ['-H', `Authorization: Bearer ${foreigner}`, '--phases', 'examples,coverage,fuzzing', '--max-examples', '5'];
  const about = ['--include-path-regex', '\\{(project|team_id|deployment_id)\\}'];
  const count = await fuzz(t, miaobu, 'foreigner', checks, 20, [...args, ...about], objects);
  assert.ok(count > 200, `${count} requests`);
  assert.deepEqual(await everything(), before);
});
