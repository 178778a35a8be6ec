/** What only programs with a file system can do. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

import type { SiteFile } from './upload.js';

const SKIPPED = new Set(['.git', '.hg', '.svn', '.miaobu', '.DS_Store', '.env']);

/** The files of a folder, without version control, local state, local secrets and `node_modules` at its top. */
export async function* folder(root: string): AsyncGenerator<SiteFile, void> {
  yield* walk(root, '');
}

async function* walk(root: string, inside: string): AsyncGenerator<SiteFile, void> {
  const entries = await readdir(path.join(root, inside), { withFileTypes: true });
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  for (const entry of entries) {
    const isLocal = SKIPPED.has(entry.name) || entry.name.startsWith('.env.');
    if (isLocal || (inside === '' && entry.name === 'node_modules')) continue;
    const place = inside === '' ? entry.name : `${inside}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, place);
    else if (entry.isFile()) yield { path: place, read: async () => new Uint8Array(await readFile(path.join(root, place))) };
    else throw new Error(`${place} is neither a file nor a folder`);
  }
}
