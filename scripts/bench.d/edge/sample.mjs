// One sample of one contestant in a process of its own: nanoseconds a decision, or what is decided with `check`.
//
//     node sample.mjs CONTESTANT FOLDER [check]
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { contestants } from './contestants.mjs';
import { HOST } from './sites.mjs';

const [name, folder, check] = process.argv.slice(2);
const requests = JSON.parse(readFileSync(path.join(folder, 'requests'), 'utf8'));
const { decide, show } = await contestants[name](folder);

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

if (check) {
  console.log(JSON.stringify(requests.map(({ method, url, etag, accept }) => show(decide(method, url, HOST.length, etag, accept)))));
} else {
  const enough = Number(process.env.ROUNDS ?? 100);
  timed(enough);
  console.log(timed(enough));
}
