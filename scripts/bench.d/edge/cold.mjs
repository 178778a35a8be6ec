// One cold start in a process of its own: processor time in milliseconds of all threads.
//
//     node cold.mjs routine|good|bundle|worker FOLDER
//
// `routine` and `good` begin with the program and the site as they are stored, and end with the first decision: the text of
// the module is decoded, compiled and made an instance of. `bundle` is the one file as it is published, and `worker` the good
// routine as a whole: they end with the first answer, among stand-ins that do nothing.
import { readFileSync } from 'node:fs';
import path from 'node:path';

const [name, folder] = process.argv.slice(2);
const ORIGIN = 'https://bench.example';
const OBJECTS = 'https://objects.example';
const ENCODINGS = 'gzip, deflate, br, zstd';
const file = (of) => readFileSync(path.join(folder, of));
const stored = { 'bench.example': file('record'), 'd-1': file('site') };
const manifest = file('manifest').toString();
const module = file('module').toString();
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
globalThis.fetch = async (asked) => ({ status: 200, body: null, headers: new Fields(), text: async () => (asked === `${OBJECTS}/manifest` ? manifest : '') });
const request = { url, method: 'GET', headers: { get: (field) => (field === 'accept-encoding' ? ENCODINGS : null) } };

const contestants = {
  async routine() {
    const core = await import(path.join(folder, 'core.mjs'));
    core.start(new WebAssembly.Module(Buffer.from(module, 'base64')), () => undefined);
    const site = core.loadSite(stored['d-1']).handle;
    const record = core.loadRecord(stored['bench.example']).handle;
    return core.ask(record, site, core.flagsOf('GET', true, true), url, ORIGIN.length, ENCODINGS, null);
  },
  async good() {
    const { compile, decide } = await import('../peers/good.mjs');
    return decide(compile(manifest), 'GET', url.slice(ORIGIN.length), null, ENCODINGS);
  },
  async bundle() {
    const { default: routine } = await import(path.join(folder, 'routine.mjs'));
    return routine.fetch(request, { waitUntil() {} }, { MIAOBU_OBJECTS_URL: OBJECTS });
  },
  async worker() {
    const { default: worker } = await import('../peers/good-worker.mjs');
    return worker.fetch(request, { STORAGE: OBJECTS });
  },
};

const before = process.cpuUsage();
const { status } = await contestants[name]();
const { user, system } = process.cpuUsage(before);
if (status !== 200) throw new Error(`the first answer was ${status}`);
console.log((user + system) / 1000);
