import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const builtin = new RegExp(`^(node:.*|${builtinModules.join('|')})$`);
const rules = /^@bufbuild\/protovalidate\/gen\/buf\/validate\/validate_pb\.js$/;
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const output = process.argv[2] ?? at('../dist/planton.mjs');

// A static import of these would load them at every start. Behind getters they are loaded by the first use of one.
const lazyModules: Plugin = {
  name: 'lazy-modules',
  setup({ onResolve, onLoad, resolve }) {
    onResolve({ filter: builtin }, ({ path }) => ({ path, namespace: 'lazy', sideEffects: false }));
    onResolve({ filter: rules }, ({ path, resolveDir, kind, pluginData }) => {
      if (pluginData === 'getter') return undefined;
      // The getters have to take the module that all others import, not its twin in CommonJS.
      if (kind === 'require-call')
        return resolve(path, { resolveDir, kind: 'import-statement', pluginData: 'getter' });
      return { path, namespace: 'lazy', sideEffects: false, pluginData: resolveDir };
    });
    onLoad({ filter: /.*/, namespace: 'lazy' }, async ({ path, pluginData }) => ({
      contents: `for (const name of ${JSON.stringify(Object.keys(await import(path)))})
        Object.defineProperty(exports, name, { enumerable: true, get: () => ${builtin.test(path) ? 'process.getBuiltinModule' : 'require'}('${path}')[name] });`,
      resolveDir: pluginData,
    }));
    // Every generated file names the file of the validation rules, yet only who reads a rule needs it.
    onLoad({ filter: /_pb\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replaceAll(/file_buf_validate_validate(, )?/g, ''),
      loader: 'ts',
    }));
  },
};

// A script that `node:vm` compiles has no import; its starter imports for it.
const importByStarter: Plugin = {
  name: 'import-by-starter',
  setup({ onLoad }) {
    onLoad({ filter: /\/import-program\.ts$/ }, () => ({
      contents: 'export const importProgram = importModule;',
    }));
  },
};

async function bundle(entryPoint: string, options: BuildOptions): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [at(entryPoint)],
    bundle: true,
    // Not `node`, for which some packages have CommonJS, of which nothing can be left out.
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'node24',
    charset: 'ascii',
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [lazyModules, importByStarter],
    write: false,
    ...options,
  });
  return outputFiles.map(({ text }) => text).join('');
}

// Modules that commands load when they are used stay in the one file and are evaluated only then.
const program = await bundle('../src/main.ts', {
  format: 'iife',
  minify: true,
  define: { 'import.meta.url': 'bundleUrl' },
  inject: [at('../src/session/headers.ts')],
});
const starter = await bundle('start-bundle.ts', {
  format: 'esm',
  define: { BUILD: JSON.stringify(createHash('sha256').update(program).digest('hex').slice(0, 16)) },
});

// The program follows its starter as a comment, over which Node passes at next to no cost. See start-bundle.ts.
const comment = `\n(function (bundleUrl, importModule) {${program}})`.replaceAll('\n', '\n//');
await mkdir(dirname(output), { recursive: true });
await writeFile(output, `#!/usr/bin/env node\n${starter}//PROGRAM${comment}`);
await chmod(output, 0o755);
