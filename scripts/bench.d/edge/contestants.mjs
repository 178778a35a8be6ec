// The routine and its peers, each as a function from a request to what is decided.
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { Core, SERVE, flagsOf } from '../../../edge/shim/core.js';
import * as expert from '../peers/expert.mjs';
import * as good from '../peers/good.mjs';
import { FOLDER } from './sites.mjs';

const built = new URL('../../../wasm-pkg/', import.meta.url);
const module = (name) => new WebAssembly.Module(readFileSync(new URL(name, built)));

function routine(folder) {
  const core = new Core(module('routine.wasm'), () => module('rest.wasm'));
  const site = core.loadSite(readFileSync(path.join(folder, 'site'))).handle;
  const record = core.loadRecord(readFileSync(path.join(folder, 'record'))).handle;
  const sets = new Map();
  const decide = (method, target, etag, accept) => {
    const flags = flagsOf(method, true, true);
    let lines = 'hbench.example\n';
    if (etag !== null) lines += `n${etag}\n`;
    if (accept !== null) lines += `e${accept}\n`;
    const decision = core.decide(record, site, flags, target, lines);
    if (decision.set === undefined) return { ...decision, key: keyOf(decision) };
    let headers = sets.get(decision.set);
    if (headers === undefined) sets.set(decision.set, (headers = core.headerSet(record, site, decision.set, flags)));
    return { ...decision, headers, key: keyOf(decision) };
  };
  return { decide, show: ({ status, key, headers, tag, size }) => shown(status, key, [...headers, ...(tag ? [['etag', tag]] : []), ...(size === undefined ? [] : [['content-length', size]])]) };
}

function keyOf({ kind, ownPath, coding, path: object }) {
  if (kind !== SERVE) return undefined;
  return ownPath ? (coding === '' ? FOLDER : `${FOLDER}.${coding}`) + object : object;
}

function shown(status, key, headers) {
  return { status, key: key ?? null, headers: headers.map(([name, value]) => `${name}: ${value}`).sort().filter((line, index, all) => line !== all[index - 1]) };
}

function peer({ compile, decide, headersOf }, ...options) {
  return (folder) => {
    const site = compile(readFileSync(path.join(folder, 'manifest'), 'utf8'), ...options);
    return {
      decide: (method, target, etag, accept) => decide(site, method, target, etag, accept),
      show: (answer) => shown(answer.status, answer.key, Object.entries(headersOf(answer))),
    };
  };
}

export const contestants = { routine, good: peer(good), expert: peer(expert), urls: peer(expert, true) };
