import { Miaobu, ProblemError, pages } from '@miaobu/client';
import { folder } from '@miaobu/client/node';

const baseUrl = process.env.MIAOBU_URL!;
const miaobu = new Miaobu({ baseUrl, token: 'secret' });

async function refused(request: Promise<unknown>): Promise<ProblemError> {
  const error: unknown = await request.then(() => new Error('it was not refused'), (error: unknown) => error);
  if (error instanceof ProblemError) return error;
  throw error;
}

console.log('made', (await miaobu.createProject({ slug: 'flaky' })).data.slug);

const sites: string[] = [];
for await (const project of pages((cursor) => miaobu.listProjects({ cursor }))) sites.push(project.slug);
console.log('sites', ...sites);

const lines: number[] = [];
let gaps = 0;
for await (const line of miaobu.followLogs(7, { onGap: () => (gaps += 1) })) lines.push(line.seq);
console.log('lines', ...lines);
console.log('gaps', gaps);

const missing = await refused(miaobu.getProject('café/bar'));
console.log('problem', missing.status, missing.code, missing.requestId);
const [field] = (await refused(miaobu.createProject({ slug: 'api' }))).errors;
console.log('field', field?.pointer, field?.code);
const proxy = await refused(new Miaobu({ baseUrl, token: 'secret', attempts: 2 }).getUser());
console.log('proxy', proxy.status, proxy.code);

await miaobu.updateProject('flaky', { settings: { not_found: null, html_handling: 'drop' } }, { ifMatch: '"v1"' });
console.log('uploaded', (await miaobu.deployFiles('flaky', folder('dist'))).status);
console.log('waited', (await miaobu.waitForDeployment(7)).status);
