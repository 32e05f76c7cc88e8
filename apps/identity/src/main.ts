import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { openAuditSettings } from '@planton/audit-trail';
import { isUnavailable, openEngine } from '@planton/database';
import { openMasterKey, parseMasterKeySource } from '@planton/keyring';
import { createGuard, createLogger, readServerSettings, runProcess, serveParts } from '@planton/rpc';
import { platformServices } from './bootstrap/bootstrap-instance.ts';
import { createIdentity } from './create-identity.ts';
import { ownerLinkFile } from './sign-in/owner-link.ts';
import { keepTokenSecret } from './tokens/keep-token-secret.ts';

/**
 * Identity alone, over the network, on a PostgreSQL and with a master key of its own. The keys of the other services are
 * in `<data-dir>/service-keys`, each to be brought to its service.
 */
await runProcess(async () => {
  const server = readServerSettings(process.argv.slice(2), process.env);
  const logger = createLogger('identity', server.logLevel);
  const open = (source: string) => openMasterKey(parseMasterKeySource(source), { createIfMissing: false });
  const master = await open(server.masterKeySource);
  const previous = server.previousMasterKeySource ? await open(server.previousMasterKeySource) : undefined;
  const engine = await openEngine({
    ...server,
    applicationName: 'planton-identity',
    onError: (error) => logger.warn({ error }, 'a connection to the database was lost'),
    onWaiting: (error) => logger.warn({ error }, 'the database does not answer; waiting for it'),
  });
  const identity = await createIdentity({
    engine,
    issuer: server.publicUrl,
    secret: await keepTokenSecret(engine, { master, previous }),
    audit: await openAuditSettings(server, process.env, logger),
    logger,
    newUid: randomUUID,
    ownerLinkFile: ownerLinkFile(server.dataDir),
    oidc: server.oidc,
  });

  const serviceKeys = join(server.dataDir, 'service-keys');
  await mkdir(serviceKeys, { recursive: true, mode: 0o700 });
  const ownerKeyFile = join(server.dataDir, 'bootstrap-api-key');
  const { created } = await identity.bootstrap({ ownerKeyFile });
  if (created) logger.info({ file: ownerKeyFile }, 'the API key of the instance owner is in this file');
  if (created && (await identity.offerOwnerLink())) {
    logger.info(
      { file: ownerLinkFile(server.dataDir) },
      'the link to set up the owner’s account is in this file',
    );
  }
  for (const service of platformServices) {
    await identity.keepServiceKey(service, join(serviceKeys, `${service}.key`));
  }

  const guard = createGuard({
    issuer: server.publicUrl,
    identity: identity.port,
    rates: server.edge.rates,
    logger,
    now: Date.now,
    monotonic: () => performance.now(),
    newRequestId: randomUUID,
    isUnavailable,
  });
  return serveParts({
    server,
    guard,
    services: [Identity],
    parts: [identity],
    logger,
    close: () => engine.close(),
  });
});
