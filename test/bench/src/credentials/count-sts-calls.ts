import type { AwsSimulator } from '@planton/aws-simulator';
import { askAtOnce, type Call } from '../measure-throughput.ts';

/** Calls of AssumeRole that many requests made at once lead to. The platform runner has to be connected. */
export async function countStsCalls(simulator: AwsSimulator, call: Call, requests: number): Promise<number> {
  const assumed = () => simulator.requests().filter(({ action }) => action === 'AssumeRole').length;
  const before = assumed();
  await askAtOnce(call, requests);
  return assumed() - before;
}
