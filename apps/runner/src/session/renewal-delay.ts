/**
 * When to ask for the next certificate: after `renewAfterMs`, with jitter that ends well before the certificate does.
 *
 * @param times milliseconds since 1970: what the certificate says, and now
 * @param random in [0, 1)
 * @param jitterMs the most that is added
 * @returns milliseconds from now
 */
export function renewalDelay(
  times: { readonly renewAfterMs: number; readonly expireMs: number; readonly nowMs: number },
  random: number,
  jitterMs: number,
): number {
  const { renewAfterMs, expireMs, nowMs } = times;
  const start = Math.max(renewAfterMs, nowMs);
  const spread = Math.max(0, Math.min(jitterMs, (expireMs - start) / 10));
  return start - nowMs + random * spread;
}
