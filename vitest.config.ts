import { defineConfig } from 'vitest/config';

/** Shared by every package: run from the package's folder, two workers at most, no globals. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
