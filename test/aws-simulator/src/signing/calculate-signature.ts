import { createHash, createHmac } from 'node:crypto';
import { ALGORITHM, type Scope } from './authorization.ts';

/** The signature of a canonical request, as 64 hexadecimal digits. */
export function calculateSignature(
  secretAccessKey: string,
  { date, region, service, terminator }: Scope,
  time: string,
  canonicalRequest: string,
): string {
  const stringToSign = [
    ALGORITHM,
    time,
    [date, region, service, terminator].join('/'),
    createHash('sha256').update(canonicalRequest, 'latin1').digest('hex'),
  ].join('\n');
  const key = [date, region, service, terminator].reduce<Buffer>(
    (parent, part) => createHmac('sha256', parent).update(part, 'latin1').digest(),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
  return createHmac('sha256', key).update(stringToSign, 'latin1').digest('hex');
}
