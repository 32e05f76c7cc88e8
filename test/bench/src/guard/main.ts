/** What authentication and audit cost, by itself: `node test/bench/src/guard/main.ts`. */
import { startAwsSimulator } from '@planton/aws-simulator';
import { startPostgres } from '@planton/database/testing';
import { platformAccount, startPlatform } from '@planton/test-platform';
import { connectByTrust, customerAccount } from '../credentials/connect-by-trust.ts';
import { preparePlatform } from '../prepare-platform.ts';
import { print } from '../print-figure.ts';
import { shareServers } from '../share-servers.ts';
import { compareGuard } from './compare-guard.ts';

const postgres = await startPostgres({ durable: true });
const simulator = await startAwsSimulator({ accounts: [customerAccount, platformAccount] });
try {
  const shared = shareServers(postgres.url, simulator);
  const platform = await startPlatform(shared);
  try {
    await preparePlatform(platform);
    await connectByTrust(platform, simulator);
    await compareGuard(platform, shared, print);
  } finally {
    await platform.stop();
  }
} finally {
  await simulator.stop();
  await postgres.stop();
}
