import { ConnectionSource } from '@planton/api/connect/v1/resolution';
import { type Decision, type Level, type Resolution, resolveConnection } from '@planton/connection-resolver';
import { DomainError, type Scope } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { type ResolvedConnection, readSnapshot } from './resolution-store.ts';

export interface Question {
  /** Empty where none is asked for. */
  readonly provider: string;
  /** Slug or name; empty where the default is asked for. */
  readonly connection: string;
}

export type Answer = Extract<Resolution<ResolvedConnection>, { ok: true }>;

export const sources: Readonly<Record<Level, ConnectionSource>> = {
  explicit: ConnectionSource.EXPLICIT,
  environment: ConnectionSource.ENVIRONMENT,
  organization: ConnectionSource.ORGANIZATION,
};

/**
 * Which connection applies, from one statement. Throws the resolver's error where none does, with the whole decision, level by
 * level, in its violations.
 */
export async function decideConnection(
  { database }: Pick<Deps, 'database'>,
  { organization, environment }: Scope,
  question: Question,
  withSpec: boolean,
): Promise<Answer> {
  const connection = question.connection === '' ? undefined : question.connection;
  const { snapshot, provider } = await readSnapshot(database, {
    organizationUid: organization.uid,
    provider: question.provider,
    environmentUid: environment?.uid ?? '',
    connection,
    withSpec,
  });
  const resolution = resolveConnection(
    {
      organization: organization.slug,
      provider: connection === undefined ? provider : question.provider || undefined,
      environment,
      connection,
    },
    snapshot,
  );
  if (!resolution.ok) throw refusal(resolution.error, resolution.decision);
  return resolution;
}

export function refusal(
  { kind, reason, message, hint, metadata }: Extract<Resolution, { ok: false }>['error'],
  decision: Decision,
): DomainError {
  const violations = decision.map((step) => ({ field: step.level, message: step.reason }));
  return new DomainError(kind, reason, message, { hint, metadata, violations });
}
