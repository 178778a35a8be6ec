// What the benchmarks share.
import { readFileSync, readdirSync } from 'node:fs';

export const repeats = Number(process.env.REPEATS ?? 5);

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export async function seconds(work) {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

// Stands in for a test: what is to be undone is undone in reverse order.
export async function scope(work) {
  const undo = [];
  try {
    return await work({ after: (step) => undo.push(step) });
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

export function table(title, rows) {
  console.log(`\n${title}\n`);
  console.log('| what | measured | bar | |');
  console.log('|---|---|---|---|');
  for (const { what, measured, bar, met } of rows) console.log(`| ${what} | ${measured} | ${bar} | ${met === undefined ? '' : met ? 'met' : 'MISSED'} |`);
}

// A field of /proc/PID/status in MB: VmRSS now, VmHWM the most so far.
export function memory(pid, field) {
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(kilobytes) / 1024;
}

// CPU time of a process so far, in microseconds, of all its threads.
export function processorTime(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1000;
}
