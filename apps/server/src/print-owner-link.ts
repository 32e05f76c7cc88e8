import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { openEngine } from '@planton/database';
import { KeyFileRefused, ownerLinkFile, prepareOwnerLink } from '@planton/identity';
import { readServerSettings, SettingsRefused } from '@planton/rpc';

/** `planton server owner-link`: prints a new link to set up the owner's account, and puts it where the server looks. */
export async function printOwnerLink(argv: readonly string[]): Promise<number> {
  try {
    const server = readServerSettings(argv, process.env);
    await mkdir(server.dataDir, { recursive: true, mode: 0o700 });
    const file = ownerLinkFile(server.dataDir);
    const { publicUrl, databaseUrl } = server;
    // The embedded database belongs to the server alone, which finds the file.
    const engine =
      databaseUrl === undefined
        ? undefined
        : await openEngine({
            ...server,
            applicationName: 'planton-owner-link',
            onError: () => {},
            onWaiting: () => {},
          });
    try {
      const { url, expireTime } = await prepareOwnerLink({
        file,
        publicUrl,
        ...(engine ? { engine } : {}),
        now: Date.now(),
        newUid: randomUUID,
        randomBytes,
      });
      process.stdout.write(`${url}\n`);
      process.stderr.write(
        `good once, until ${expireTime.toISOString()}; it is also in ${file}. Whoever opens it owns the server.\n`,
      );
    } finally {
      await engine?.close();
    }
    return 0;
  } catch (error) {
    if (!(error instanceof SettingsRefused) && !(error instanceof KeyFileRefused)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    if ('hint' in error && error.hint) process.stderr.write(`hint: ${error.hint}\n`);
    return error instanceof SettingsRefused ? 2 : 1;
  }
}
