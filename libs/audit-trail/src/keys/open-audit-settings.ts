import { parsePublicKey, type SigningKey } from '@planton/audit';
import { type Logger, type ServerSettings, SettingsRefused } from '@planton/rpc';
import { parseSink, type Sink } from '../sinks/parse-sink.ts';
import { openSigningKey } from './open-signing-key.ts';

/** How the trails of a process are sealed and where they are streamed to. */
export interface AuditSettings {
  /** Absent: records are kept and nothing is sealed. */
  readonly key?: SigningKey | undefined;
  /** Public keys of earlier signing keys, whose seals stay good. */
  readonly previousKeys: readonly Uint8Array[];
  readonly sinks: readonly Sink[];
}

/** Neither sealed nor streamed. */
export const plainAudit: AuditSettings = { previousKeys: [], sinks: [] };

/**
 * Reads the key that signs seals, and the sinks. The key is made where it is missing for the embedded database alone: replicas that share a
 * database have to share the key.
 *
 * @throws SettingsRefused, SigningKeyRefused
 */
export async function openAuditSettings(
  server: Pick<
    ServerSettings,
    'auditKeySource' | 'auditKeySourceGiven' | 'auditPreviousKeys' | 'auditSinks' | 'databaseUrl'
  >,
  env: NodeJS.ProcessEnv,
  logger: Logger,
): Promise<AuditSettings> {
  const key = await openSigningKey(server.auditKeySource, {
    createIfMissing: server.databaseUrl === undefined,
    env,
  });
  if (!key && server.auditKeySourceGiven) {
    throw new SettingsRefused(
      `--audit-key-source: ${server.auditKeySource} does not exist`,
      'make it with: (umask 077; openssl rand -base64 32 > audit-signing.key), once for all replicas',
    );
  }
  const sinks = server.auditSinks.map((text) => parseSink(text, env));
  if (!key && sinks.length > 0) {
    throw new SettingsRefused(
      '--audit-sink streams sealed records, and there is no key to seal them with',
      'give --audit-key-source too',
    );
  }
  if (!key) logger.warn({}, 'audit records are not sealed: there is no --audit-key-source');
  else logger.info({ key_id: key.keyId }, 'audit records are sealed');
  const previousKeys = server.auditPreviousKeys.map((text) => {
    const bytes = parsePublicKey(text);
    if (!bytes)
      throw new SettingsRefused(
        '--audit-previous-keys holds what is no public key',
        'give them as planton audit verify prints them, with commas between',
      );
    return bytes;
  });
  return { key, previousKeys, sinks };
}
