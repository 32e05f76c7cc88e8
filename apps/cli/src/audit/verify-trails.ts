import { AuditFindingKind } from '@planton/api/common/v1/audit_trail';
import { Identity } from '@planton/api/identity/v1/identity_service';
import {
  type Checkpoint,
  formatPublicKey,
  isCheckpointSigned,
  keyIdOf,
  parseLine,
  verifyLines,
} from '@planton/audit';
import { usage } from '../errors/cli-error.ts';
import type { Session } from '../session/open-session.ts';
import {
  type AuditService,
  type AuditServiceName,
  type ServiceOptions,
  serviceNames,
  servicesOf,
} from './audit-services.ts';
import { readLines } from './read-lines.ts';

export interface TrailFinding {
  /** Such as `record_changed`. */
  readonly kind: string;
  readonly seal_number: number;
  readonly record_uid: string;
  readonly message: string;
}

/** What was found in the trail of a service. */
export interface TrailReport {
  readonly service: string;
  readonly seals: number;
  readonly records: number;
  readonly unsealed: number;
  /** Public keys that signed it. */
  readonly keys: readonly string[];
  readonly findings: readonly TrailFinding[];
}

const kindNames: Readonly<Record<AuditFindingKind, string>> = {
  [AuditFindingKind.UNSPECIFIED]: 'unknown',
  [AuditFindingKind.RECORD_CHANGED]: 'record_changed',
  [AuditFindingKind.RECORD_REMOVED]: 'record_removed',
  [AuditFindingKind.RECORD_INSERTED]: 'record_inserted',
  [AuditFindingKind.SEAL_CHANGED]: 'seal_changed',
  [AuditFindingKind.SEAL_REMOVED]: 'seal_removed',
  [AuditFindingKind.SEAL_SIGNATURE_WRONG]: 'seal_signature_wrong',
  [AuditFindingKind.CHECKPOINT_UNMET]: 'checkpoint_unmet',
};

interface Options extends ServiceOptions {
  readonly checkpoint?: string;
  readonly instance?: boolean;
}

type KeyIds = ReadonlySet<string> | undefined;

/** Has every service check its trail, and checks what that says against keys and checkpoints that were kept elsewhere. */
export async function verifyTrails(
  session: Session & { readonly org: string },
  options: Options,
  keyIds: KeyIds,
): Promise<TrailReport[]> {
  const checkpoints = options.checkpoint
    ? await readCheckpoints(options.checkpoint, await organizationUid(session, options), options, keyIds)
    : new Map<string, Checkpoint>();
  const reports: TrailReport[] = [];
  for (const { name, service } of servicesOf(options)) {
    reports.push(await verifyTrail(session, { name, service }, options, checkpoints.get(name), keyIds));
  }
  return reports;
}

async function verifyTrail(
  { org, client }: Session & { readonly org: string },
  { name, service }: { readonly name: AuditServiceName; readonly service: AuditService },
  { instance = false }: Options,
  checkpoint: Checkpoint | undefined,
  keyIds: KeyIds,
): Promise<TrailReport> {
  const findings: TrailFinding[] = [];
  const keys = new Map<string, string>();
  let [seals, records, unsealed] = [0, 0, 0];
  const request = {
    org,
    instance,
    checkpointSealNumber: BigInt(checkpoint?.seal_number ?? 0),
    checkpointHash: checkpoint?.seal_hash ?? new Uint8Array(),
  };
  const asked = new Set<string>();
  for (let pageToken = ''; !asked.has(pageToken); ) {
    asked.add(pageToken);
    const page = await client<AuditService>(service).verifyAuditTrail({ ...request, pageToken });
    findings.push(
      ...page.findings.map(({ kind, sealNumber, recordUid, message }) => ({
        kind: kindNames[kind] ?? 'unknown',
        seal_number: Number(sealNumber),
        record_uid: recordUid,
        message,
      })),
    );
    for (const key of page.publicKeys) keys.set(keyIdOf(key), formatPublicKey(key));
    seals += page.sealCount;
    records += page.recordCount;
    unsealed += Number(page.unsealedCount);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  for (const [id, key] of keys) {
    if (keyIds && !keyIds.has(id))
      findings.push(foreignKey(`seals are signed with ${key}, which was not named`));
  }
  return { service: name, seals, records, unsealed, keys: [...keys.values()], findings };
}

/** Checks an exported file, which has to hold the trail of every service that is meant. */
export async function verifyFile(path: string, options: Options, keyIds: KeyIds): Promise<TrailReport[]> {
  const report = await verifyLines(readLines(path), (key) => keyIds?.has(keyIdOf(key)) ?? true);
  const missing = serviceNames(options).filter(
    (name) => !report.checkpoints.some(({ service }) => service === name),
  );
  const keys = new Set(report.checkpoints.map(({ public_key }) => formatPublicKey(public_key)));
  return [
    {
      service: path,
      seals: report.seals,
      records: report.records,
      unsealed: 0,
      keys: [...keys],
      findings: [
        ...report.findings.map(({ kind, seal_number, record_uid, message, line }) => ({
          kind,
          seal_number,
          record_uid,
          message: `line ${line}: ${message}`,
        })),
        ...missing.map((name) => ({
          kind: 'checkpoint_unmet',
          seal_number: 0,
          record_uid: '',
          message: `the trail of ${name} is not in the file`,
        })),
      ],
    },
  ];
}

/** The latest checkpoint of each service. One that was not signed, or by another key, is no evidence of anything. */
async function readCheckpoints(
  path: string,
  uid: string,
  options: Options,
  keyIds: KeyIds,
): Promise<ReadonlyMap<string, Checkpoint>> {
  const found = new Map<string, Checkpoint>();
  for await (const text of readLines(path)) {
    const checkpoint = parseCheckpoint(text);
    if (!checkpoint || checkpoint.organization_uid !== uid) continue;
    if (!isCheckpointSigned(checkpoint) || (keyIds && !keyIds.has(checkpoint.key_id)))
      throw usage(
        `${path} holds a checkpoint of ${checkpoint.service} that is not signed with a trusted key`,
      );
    const before = found.get(checkpoint.service);
    if (!before || before.seal_number <= checkpoint.seal_number) found.set(checkpoint.service, checkpoint);
  }
  const missing = serviceNames(options).filter((name) => !found.has(name));
  if (missing.length > 0)
    throw usage(
      `${path} holds no checkpoint of ${missing.join(', ')} for this organisation`,
      'name the one that it is of with --service, or take the file of planton audit export',
    );
  return found;
}

function parseCheckpoint(text: string): Checkpoint | undefined {
  if (!text.startsWith('{"type":"checkpoint"')) return undefined;
  try {
    const line = parseLine(text);
    return line.type === 'checkpoint' ? line.checkpoint : undefined;
  } catch {
    return undefined;
  }
}

async function organizationUid(session: Session & { readonly org: string }, { instance }: Options) {
  if (instance) return '';
  const { organizations } = await session.client(Identity).listOrganizations({});
  return organizations.find(({ slug }) => slug === session.org)?.uid ?? session.org;
}

function foreignKey(message: string): TrailFinding {
  return { kind: 'seal_signature_wrong', seal_number: 0, record_uid: '', message };
}
