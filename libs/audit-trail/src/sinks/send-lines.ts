import { open } from 'node:fs/promises';
import type { Sink } from './parse-sink.ts';

/** A batch of lines, each with its line end, and the place in the service's stream that it brings the sink to. */
export interface Batch {
  readonly service: string;
  readonly position: number;
  readonly body: string;
}

/** Delivers a batch as a whole, or throws; then it is delivered again. */
export type SendLines = (batch: Batch, signal: AbortSignal) => Promise<void>;

/** @param timeoutMs how long one delivery may take */
export function createSender(sink: Sink, timeoutMs: number): SendLines {
  return sink.kind === 'file'
    ? (batch) => appendLines(sink.path, batch.body)
    : (batch, signal) => postLines(sink, batch, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
}

/** Appends the lines and waits until they are on the disk. Of a write that fails nothing stays, as far as that can be. */
async function appendLines(path: string, body: string): Promise<void> {
  const file = await open(path, 'a', 0o600);
  try {
    const { size } = await file.stat();
    try {
      await file.appendFile(body);
      await file.datasync();
    } catch (error) {
      await file.truncate(size).catch(() => {});
      throw error;
    }
  } finally {
    await file.close();
  }
}

async function postLines(
  sink: Extract<Sink, { kind: 'http' }>,
  { service, position, body }: Batch,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch(sink.url, {
    method: 'POST',
    redirect: 'error',
    signal,
    headers: {
      'content-type': 'application/x-ndjson',
      'planton-audit-service': service,
      'planton-audit-position': String(position),
      ...(sink.authorization ? { authorization: sink.authorization } : {}),
    },
    body,
  });
  await response.body?.cancel().catch(() => {});
  if (!response.ok) throw new Error(`the sink answered ${response.status}`);
}
