// One cold start in a process of its own: processor time in milliseconds from the program as text to the first decision.
//
//     node cold.mjs routine|good FOLDER
//
// The routine is the one-file bundle as it is published: its top level decodes, compiles and makes an instance, the first
// request loads record and site. Around it are stand-ins that do nothing.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const [name, folder] = process.argv.slice(2);
const file = (of) => readFileSync(path.join(folder, of));
const stored = { 'bench.example': file('record'), 'd-1': file('site') };
const manifest = file('manifest').toString();
const requests = JSON.parse(file('requests'));
const { url } = requests.find(({ url: one, etag }) => one.includes('/assets/') && etag === null) ?? requests[0];

class Fields extends Map {
  constructor(fields = []) { super(fields[Symbol.iterator] ? fields : Object.entries(fields)); }
}
globalThis.Headers = Fields;
globalThis.Response = class {
  constructor(body, { status }) { Object.assign(this, { body, status }); }
};
globalThis.EdgeKV = class {
  async get(key) {
    const bytes = stored[key];
    return bytes && bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  }
};
globalThis.fetch = async () => ({ status: 200, body: null, headers: new Fields() });

const contestants = {
  async routine() {
    const { default: routine } = await import(path.join(folder, 'routine.mjs'));
    const headers = { get: (field) => (field === 'accept-encoding' ? 'gzip, deflate, br, zstd' : null) };
    return routine.fetch({ url, method: 'GET', headers }, { waitUntil() {} }, { MIAOBU_OBJECTS_URL: 'https://objects.example' });
  },
  async good() {
    const { compile, decide } = await import('../peers/good.mjs');
    const site = compile(manifest);
    return decide(site, 'GET', url.slice('https://bench.example'.length), null, 'gzip, deflate, br, zstd');
  },
};

const before = process.cpuUsage();
const { status } = await contestants[name]();
const { user, system } = process.cpuUsage(before);
if (status !== 200) throw new Error(`the first answer was ${status}`);
console.log((user + system) / 1000);
