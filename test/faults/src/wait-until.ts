/** Milliseconds that a condition is waited for: generous, since only a fault uses them up. */
const LIMIT_MS = 60_000;
const INTERVAL_MS = 25;

/** Asks again and again until the answer is neither false nor undefined, and returns it. */
export async function waitUntil<Answer>(
  what: string,
  ask: () => Answer | false | undefined | Promise<Answer | false | undefined>,
  limitMs = LIMIT_MS,
): Promise<Answer> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== false && answer !== undefined) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: still not so after ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
}
