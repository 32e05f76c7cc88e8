/** Loaded before a program, which lives `TEST_CLOCK_JUMP_MS` milliseconds later from each SIGUSR2 on. Timers and monotonic clocks stay. */
const jump = Number(process.env.TEST_CLOCK_JUMP_MS);
if (!Number.isSafeInteger(jump)) throw new Error('TEST_CLOCK_JUMP_MS is not a number of milliseconds');

let shift = 0;
process.on('SIGUSR2', () => {
  shift += jump;
});

const now = Date.now;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now() + shift] : args, newTarget),
  apply: (target) => new target(now() + shift).toString(),
});
Date.now = () => now() + shift;

export {};
