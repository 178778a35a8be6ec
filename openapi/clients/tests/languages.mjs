// How a program in each language is run against a client of this checkout.
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export const clients = path.resolve(import.meta.dirname, '..');
// Set by scripts/test: where the pinned programs are.
export const nodeModules = path.resolve(process.env.MIAOBU_NODE_MODULES);
export const python = process.env.MIAOBU_PYTHON;

export async function run(program, args, cwd, env = {}) {
  try {
    return await promisify(execFile)(program, args, { cwd, env: { ...process.env, ...env }, maxBuffer: 1 << 24 });
  } catch (error) {
    throw new Error(`${path.basename(program)} ${args.join(' ')}: ${error.message}\n${error.stdout}\n${error.stderr}`);
  }
}

export const tsc = (...args) => [process.execPath, [path.join(nodeModules, 'typescript/bin/tsc'), '--typeRoots', path.join(nodeModules, '@types'), ...args]];

let built;
// The package as npm would install it: built once, with its package.json.
export function typescriptPackage() {
  built ??= (async () => {
    const folder = path.join(clients, 'typescript');
    const [program, args] = tsc('-p', folder);
    await run(program, args, folder);
    return folder;
  })();
  return built;
}

// Each is given a folder of its own, the program's text and the environment, and returns what the program printed.
export const languages = {
  async typescript(folder, text, env) {
    const scope = path.join(folder, 'node_modules/@miaobu');
    await mkdir(scope, { recursive: true });
    await symlink(await typescriptPackage(), path.join(scope, 'client'));
    await writeFile(path.join(folder, 'program.mts'), text);
    const flags = ['--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--types', 'node', '--lib', 'es2023,dom,dom.iterable,dom.asynciterable'];
    const [program, args] = tsc(...flags, 'program.mts');
    await run(program, args, folder);
    return run(process.execPath, ['program.mjs'], folder, env);
  },

  async python(folder, text, env) {
    await writeFile(path.join(folder, 'program.py'), text);
    const source = path.join(clients, 'python/src');
    await run(python, ['-m', 'mypy', '--strict', '--cache-dir', path.join(path.dirname(python), '../mypy'), 'program.py'], folder, { MYPYPATH: source });
    return run(python, ['program.py'], folder, { ...env, PYTHONPATH: source, PYTHONDONTWRITEBYTECODE: '1' });
  },

  async go(folder, text, env) {
    const module = 'github.com/miaobu/miaobu/openapi/clients/go';
    await writeFile(path.join(folder, 'main.go'), text);
    const lines = ['module program', 'go 1.24', `require ${module} v0.0.0`, `replace ${module} => ${path.join(clients, 'go')}`];
    await writeFile(path.join(folder, 'go.mod'), lines.join('\n'));
    await run('go', ['vet', '.'], folder);
    return run('go', ['run', '.'], folder, env);
  },

  // Cargo builds what stands in its own package, so the text is that of an example there.
  async rust(folder, text, env, example) {
    const source = await readFile(path.join(clients, 'rust/examples', `${example}.rs`), 'utf8');
    if (!source.endsWith(text)) throw new Error(`rust/examples/${example}.rs is not the text to run`);
    const args = ['run', '--quiet', '--locked', '-p', 'miaobu-client', '--example', example];
    const manifest = ['--manifest-path', path.resolve(clients, '../../Cargo.toml')];
    return run('cargo', [...args, ...manifest], folder, env);
  },
};

export async function copySite(folder) {
  await cp(path.resolve(clients, '../../control/sample'), path.join(folder, 'dist'), { recursive: true });
}
