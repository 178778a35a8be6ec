// One sample of one contestant in a process of its own: nanoseconds a decision, or what is decided with `check`. The URLs are
// asked for again and again, or with `new` so seldom that none is still remembered.
//
//     node sample.mjs CONTESTANT FOLDER [check] [new]
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { contestants } from './contestants.mjs';
import { HOST } from './sites.mjs';

/** More than the routine remembers lie between a URL and the same one again. */
const QUERIES = 5;

const [name, folder, ...options] = process.argv.slice(2);
const stored = JSON.parse(readFileSync(path.join(folder, 'requests'), 'utf8'));
const requests = options.includes('new') ? fresh(stored) : stored;
const { decide, show } = await contestants[name](folder);

function fresh(list) {
  const withQuery = (url, number) => `${url}${url.includes('?') ? '&' : '?'}${number}`;
  const all = Array.from({ length: QUERIES }, (_, pass) => list.map((request, place) => ({ ...request, url: withQuery(request.url, pass * list.length + place) }))).flat();
  // Texts as they come from a file, not as they were put together.
  return JSON.parse(JSON.stringify(all));
}

// What the main thread has had of a processor: others have work on this machine too.
const used = () => Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]);

function timed(rounds) {
  let sum = 0;
  const started = used();
  for (let round = 0; round < rounds; round += 1) {
    for (let index = 0; index < requests.length; index += 1) {
      const { method, url, etag, accept } = requests[index];
      // As in a host: the whole URL, and where its path begins. What is cut from it has not been hashed before.
      sum += decide(method, url, HOST.length, etag, accept).status;
    }
  }
  const nanoseconds = used() - started;
  if (sum < 200 * rounds * requests.length) throw new Error('nothing was decided');
  return nanoseconds / (rounds * requests.length);
}

if (options.includes('check')) {
  console.log(JSON.stringify(requests.map(({ method, url, etag, accept }) => show(decide(method, url, HOST.length, etag, accept)))));
} else {
  const enough = Math.ceil((Number(process.env.ROUNDS ?? 60) * stored.length) / requests.length);
  timed(enough);
  console.log(timed(enough));
}
