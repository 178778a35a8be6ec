// The routine and its peers, each as a function from a request to what is decided.
import { readFileSync } from 'node:fs';
import path from 'node:path';

import * as core from '../../../edge/shim/core.js';
import { SERVE } from '../../../edge/shim/layout.js';
import * as expert from '../peers/expert.mjs';
import * as good from '../peers/good.mjs';
import { FOLDER } from './sites.mjs';

const built = new URL('../../../wasm-pkg/', import.meta.url);
const module = (name) => new WebAssembly.Module(readFileSync(new URL(name, built)));

async function routine(folder) {
  core.start(module('routine.wasm'), () => module('rest.wasm'));
  await core.complete();
  const site = core.loadSite(readFileSync(path.join(folder, 'site'))).handle;
  const record = core.loadRecord(readFileSync(path.join(folder, 'record'))).handle;
  const sets = new Map();
  const headerSet = (set, flags) => {
    let headers = sets.get(set);
    if (headers === undefined) sets.set(set, (headers = core.headerSet(record, site, set, flags)));
    return headers;
  };
  const decide = (method, url, at, etag, accept) => {
    const flags = core.flagsOf(method, true, true);
    let decision = core.ask(record, site, flags, url, at, accept, etag);
    if (decision === undefined) {
      const lines = `hbench.example\n${etag === null ? '' : `n${etag}\n`}${accept === null ? '' : `e${accept}\n`}`;
      decision = core.decide(record, site, flags, url.slice(at), lines);
    }
    if (decision.headers === undefined) {
      decision.key = keyOf(decision);
      decision.headers = headerSet(decision.set, flags);
    }
    return decision;
  };
  const show = (decision) => {
    const { status, location, headers, tag, size } = decision;
    const key = keyOf(decision);
    const set = tag ? [['etag', tag], ...(size === undefined ? [] : [['content-length', size]])] : [];
    return shown(status, key, [...headers, ...set, ...(location === undefined ? [] : [['location', location]])]);
  };
  return { decide, show };
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
      decide: (method, url, at, etag, accept) => decide(site, method, url.slice(at), etag, accept),
      show: (answer) => shown(answer.status, answer.key, Object.entries(headersOf(answer))),
    };
  };
}

export const contestants = { routine, good: peer(good), expert: peer(expert), urls: peer(expert, true) };
