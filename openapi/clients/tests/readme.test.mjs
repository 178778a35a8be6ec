// The example of each README, as it stands there, against a server.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { platform, temporaryFolder } from '../../../control/tests/site/platform.mjs';
import { copySite, languages } from './languages.mjs';

const fences = { typescript: 'ts', python: 'python', go: 'go', rust: 'rust' };

for (const [language, fence] of Object.entries(fences)) {
  test(`the example of the ${language} client runs`, async (t) => {
    const readme = await readFile(path.resolve(import.meta.dirname, '..', language, 'README.md'), 'utf8');
    const [, example] = new RegExp(`^\`\`\`${fence}\n(.*?)^\`\`\`$`, 'ms').exec(readme);
    const miaobu = await platform(t);
    const folder = await temporaryFolder(t);
    await copySite(folder);
    const env = { MIAOBU_URL: miaobu.server.lines.api, MIAOBU_TOKEN: miaobu.token };
    const { stdout } = await languages[language](folder, example, env, 'readme');
    const { data } = await miaobu.api('GET', '/api/v1/public/projects/my-site/deployments');
    const log = await miaobu.api('GET', `/api/v1/public/deployments/${data[0].id}/logs`);
    const { data: domains } = await miaobu.api('GET', '/api/v1/public/projects/my-site/domains');
    const records = domains[0].instructions;
    assert.equal(domains[0].name, 'www.example.com');
    assert.ok(records.some((record) => record.record_type === 'TXT'), JSON.stringify(records));
    const { data: envVars } = await miaobu.api('GET', '/api/v1/public/projects/my-site/env-vars');
    assert.deepEqual(envVars.map(({ name, value, kind }) => [name, value, kind]), [['API_URL', 'https://api.example.com', 'plain']]);
    const printed = stdout.trim().replace('True', 'true').split('\n');
    // A line that is written once the deployment is final may miss the stream's end.
    const lines = printed.filter((line) => line.startsWith('log: '));
    assert.deepEqual(lines, log.data.slice(0, lines.length).map((line) => `log: ${line.text}`));
    assert.ok(lines.includes('log: Deployed: production serves it.'), stdout);
    assert.deepEqual(printed.filter((line) => !line.startsWith('log: ')), [
      'again: true',
      `status: deployed ${data[0].url}`,
      `deployment: ${data[0].id} deployed`,
      'env var: API_URL rebuild',
      ...records.map((record) => `dns: ${record.record_type} ${record.name} ${record.value}`),
      'settings: single_page auto',
      'problem: 409 slug_taken',
    ]);
    assert.equal(data[0].commit_message, 'First try');
    assert.match((await miaobu.visit('my-site.localhost', '/')).body.toString(), /It is live/);
  });
}
