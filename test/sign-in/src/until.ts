import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for what takes a second, on a machine that has the time for it. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const began = performance.now(); !(await holds()); await sleep(50))
    if (performance.now() - began > 15_000) throw new Error('it did not come about');
}
