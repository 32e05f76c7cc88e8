import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../../..');

/** Which of our packages imports which, by folder such as `libs/rpc`. */
export type ImportGraph = ReadonlyMap<string, ReadonlySet<string>>;

interface NxGraph {
  readonly graph: {
    readonly nodes: Record<string, { readonly data: { readonly root: string } }>;
    readonly dependencies: Record<string, readonly { readonly target: string }[]>;
  };
}

/** Reads the project graph that Nx makes from the imports in the sources and the dependencies in each package.json. */
export function readGraph(): ImportGraph {
  const scratch = mkdtempSync(join(tmpdir(), 'planton-graph-'));
  try {
    const file = join(scratch, 'graph.json');
    execFileSync(join(root, 'node_modules/.bin/nx'), ['graph', `--file=${file}`], {
      cwd: root,
      env: { ...process.env, NX_DAEMON: 'false' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const { nodes, dependencies }: NxGraph['graph'] = JSON.parse(readFileSync(file, 'utf8')).graph;
    const folder = (name: string) => nodes[name]?.data.root;
    return new Map(
      Object.entries(dependencies).flatMap(([name, targets]) => {
        const from = folder(name);
        const to = targets.flatMap(({ target }) => folder(target) ?? []);
        return from ? [[from, new Set(to)] as const] : [];
      }),
    );
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
