// Each client as its ecosystem ships it: packed, installed in a fresh place, used from there.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';

import { temporaryFolder } from '../../../control/tests/site/platform.mjs';
import { clients, nodeModules, python, run, tsc, typescriptPackage } from './languages.mjs';

test('the npm package installs from its tarball, with types', async (t) => {
  const folder = await temporaryFolder(t);
  // Built beforehand: what `prepack` does with tools of the package's own.
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], await typescriptPackage());
  const [tarball] = await readdir(folder);
  const user = path.join(folder, 'user');
  await mkdir(user);
  await writeFile(path.join(user, 'package.json'), '{"private":true,"type":"module"}');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', path.join(folder, tarball)], user, { npm_config_cache: path.join(folder, 'cache') });
  await writeFile(path.join(user, 'program.mts'), `
    import { Miaobu, type Project } from '@miaobu/client';
    import { folder } from '@miaobu/client/node';
    const miaobu = new Miaobu({ baseUrl: 'http://127.0.0.1:9' });
    const read: (project: string) => Promise<{ data: Project }> = (project) => miaobu.getProject(project);
    // @ts-expect-error: a project is named by a text.
    const wrong: Parameters<typeof miaobu.getProject> = [1];
    console.log(typeof read, typeof folder, wrong.length);
  `);
  await symlink(path.join(nodeModules, '@types'), path.join(user, 'node_modules/@types'));
  const [program, args] = tsc('--strict', '--target', 'es2022', '--module', 'nodenext', '--types', 'node', '--lib', 'es2023,dom,dom.iterable,dom.asynciterable', 'program.mts');
  await run(program, args, user);
  assert.equal((await run(process.execPath, ['program.mjs'], user)).stdout.trim(), 'function function 1');
});

test('the Python package installs from its wheel, which is made of its source distribution', async (t) => {
  const folder = await temporaryFolder(t);
  const source = path.join(folder, 'source');
  await cp(path.join(clients, 'python'), source, { recursive: true, filter: (name) => !name.includes('__pycache__') });
  await run(python, ['-m', 'build', '--no-isolation', '--outdir', folder, source], folder);
  const wheel = (await readdir(folder)).find((name) => name.endsWith('-py3-none-any.whl'));
  const environment = path.join(folder, 'environment');
  await run(python, ['-m', 'venv', '--without-pip', environment], folder);
  const installed = path.join(environment, 'bin/python');
  await run(python, ['-m', 'pip', '--python', installed, 'install', '--no-index', '--quiet', path.join(folder, wheel)], folder);
  const text = `
import importlib.metadata, importlib.resources, miaobu
assert importlib.resources.files(miaobu).joinpath("py.typed").is_file(), "no type hints"
assert miaobu.__file__.startswith(${JSON.stringify(environment)}), miaobu.__file__
print(importlib.metadata.version("miaobu"), miaobu.Miaobu("http://127.0.0.1:9", None).get_project.__name__)
`;
  assert.equal((await run(installed, ['-I', '-c', text], folder)).stdout.trim(), '0.1.0 get_project');
});

test('the Go module installs from a module proxy', async (t) => {
  const folder = await temporaryFolder(t);
  const module = 'github.com/miaobu/miaobu/openapi/clients/go';
  const versions = path.join(folder, 'proxy', module, '@v');
  const content = path.join(folder, `${module}@v0.1.0`);
  await mkdir(versions, { recursive: true });
  await cp(path.join(clients, 'go'), content, { recursive: true });
  // Go refuses entries of folders, which most programs that make archives write.
  const zip = 'import pathlib, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], "w") as archive:\n  for file in pathlib.Path("github.com").rglob("*"):\n    if file.is_file(): archive.write(file)';
  await run(python, ['-c', zip, path.join(versions, 'v0.1.0.zip')], folder);
  await cp(path.join(content, 'go.mod'), path.join(versions, 'v0.1.0.mod'));
  await writeFile(path.join(versions, 'v0.1.0.info'), '{"Version":"v0.1.0","Time":"2026-01-01T00:00:00Z"}');
  const user = path.join(folder, 'user');
  await mkdir(user);
  await writeFile(path.join(user, 'go.mod'), 'module program\n\ngo 1.24\n');
  await writeFile(path.join(user, 'main.go'), `package main

import miaobu "${module}"

func main() { println(miaobu.New("http://127.0.0.1:9") != nil) }
`);
  const env = { GOPROXY: `file://${path.join(folder, 'proxy')}`, GOFLAGS: '-modcacherw', GONOSUMDB: '*', GOMODCACHE: path.join(folder, 'modules') };
  await run('go', ['get', `${module}@v0.1.0`], user, env);
  await run('go', ['vet', '.'], user, env);
  assert.equal((await run('go', ['run', '.'], user, env)).stderr.trim(), 'true');
});

test('the Rust crate packs all that it is made of, and stands without the workspace', async (t) => {
  const folder = await temporaryFolder(t);
  const workspace = path.resolve(clients, '../..');
  // Compiling it once more is left out: the same files are compiled by the other tests.
  const args = ['package', '--offline', '--locked', '--allow-dirty', '--no-verify', '--quiet', '-p', 'miaobu-client', '--target-dir', folder];
  await run('cargo', args, workspace);
  const packed = path.join(folder, 'package');
  await run('tar', ['-xzf', 'miaobu-client-0.1.0.crate'], packed);
  const crate = path.join(packed, 'miaobu-client-0.1.0');
  assert.deepEqual((await readdir(path.join(crate, 'src'))).sort(), (await readdir(path.join(clients, 'rust/src'))).sort());
  assert.equal(await readFile(path.join(crate, 'README.md'), 'utf8'), await readFile(path.join(clients, 'rust/README.md'), 'utf8'));
  const { stdout } = await run('cargo', ['metadata', '--offline', '--locked', '--format-version', '1', '--no-deps'], crate);
  const [described] = JSON.parse(stdout).packages;
  assert.deepEqual([described.name, described.license], ['miaobu-client', 'Apache-2.0']);
  assert.ok(described.dependencies.every((dependency) => dependency.source?.startsWith('registry+') && dependency.req !== '*'), stdout);
});
