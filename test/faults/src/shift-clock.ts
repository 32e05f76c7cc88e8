/**
 * Loaded before a program, which then lives `TEST_CLOCK_SHIFT_MS` milliseconds away from everybody else. What it signs is of its time;
 * whether a certificate is good now is still decided by the machine's clock, since OpenSSL asks that one.
 */
const shift = Number(process.env.TEST_CLOCK_SHIFT_MS);
if (!Number.isSafeInteger(shift)) throw new Error('TEST_CLOCK_SHIFT_MS is not a number of milliseconds');

const now = Date.now;
globalThis.Date = new Proxy(Date, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now() + shift] : args, newTarget),
  apply: (target) => new target(now() + shift).toString(),
});
Date.now = () => now() + shift;

export {};
