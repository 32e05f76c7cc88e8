export { run } from './program/run.ts';
export type { Surroundings } from './terminal/terminal.ts';
