/** RFC 3339 in UTC and whole seconds, as AWS writes it. Rounds down, so that nothing is used past its end. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.[0-9]{3}Z$/, 'Z');
}
