import { spawnSync } from 'node:child_process';

/** A command whose start is measured. */
export interface Program {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Milliseconds from start to end of each program, the median of many runs taken in turns, so that whatever else the machine
 * does burdens all of them alike. Throws when a program fails.
 */
export function measureStarts(programs: readonly Program[], rounds: number): number[] {
  const times = programs.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { program, args, env }] of programs.entries()) {
      const started = performance.now();
      const { status, stderr } = spawnSync(program, args, { env: env ?? process.env });
      times[i]?.push(performance.now() - started);
      if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed: ${stderr}`);
    }
  }
  return times.map(median);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
