/** A time as protobuf has it. */
export interface ExactTime {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** Reads RFC 3339 in UTC with six digits after the second. The epoch for anything else. */
export function parseExactTime(text: string): ExactTime {
  const [, whole, micros] = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\.(\d{6})Z$/.exec(text) ?? [];
  const milliseconds = Date.parse(`${whole}Z`);
  if (Number.isNaN(milliseconds)) return { seconds: 0n, nanos: 0 };
  return { seconds: BigInt(milliseconds / 1000), nanos: Number(micros) * 1000 };
}

/** The inverse of `parseExactTime`. */
export function formatExactTime(time: ExactTime | undefined): string {
  if (time === undefined) return '';
  const whole = new Date(Number(time.seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(Math.floor(time.nanos / 1000)).padStart(6, '0')}Z`;
}
