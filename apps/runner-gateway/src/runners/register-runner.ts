import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  RegisterRunnerRequest,
  RegisterRunnerResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { duplicate, organizationCallerOf, quota } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { RUNNERS_AT_MOST, type RunnerRow, runnerMessage, runnerNotFound, slugOf } from './runner.ts';
import { countRunnersInTurn, insertRunner } from './runner-change-store.ts';
import { findRunnerView } from './runner-store.ts';

/** Makes a registration, or finds the one that has the name. Throws `SLUG_TAKEN`, `NAME_REQUIRED`, `RUNNER_LIMIT`. */
export function registerRunner(deps: Deps) {
  return async (
    request: RegisterRunnerRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RegisterRunnerResponseSchema>> => {
    const { organization } = await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const { name } = request;
    const slug = slugOf(name);

    const row = await deps.database.transact(async (tx) => {
      const by = caller.subject.name;
      const stored = await insertRunner(tx, { uid: deps.newUid(), organization, slug, name, by });
      if (!stored.created) {
        if (stored.name !== name) throw slugTaken(name, stored);
        return stored;
      }
      if ((await countRunnersInTurn(tx, organization.uid)) > RUNNERS_AT_MOST) throw tooMany();
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization.uid, caller },
        { action: 'runner.register', resource: { kind: 'runner', uid: stored.uid, slug }, version: 1 },
      );
      return stored;
    });
    if (row.created) deps.wake.changed(organization.uid);

    const view = await findRunnerView(deps.database.query, organization.uid, row.uid);
    if (!view) throw runnerNotFound(organization.slug, slug);
    return { runner: runnerMessage(view), created: row.created };
  };
}

function slugTaken(name: string, { slug, name: other }: RunnerRow) {
  return duplicate(
    'SLUG_TAKEN',
    `the slug "${slug}", made from the name ${JSON.stringify(name)}, belongs to the runner with the name ${JSON.stringify(other)}`,
    { hint: 'give another name', metadata: { slug } },
  );
}

function tooMany() {
  return quota('RUNNER_LIMIT', `an organisation has ${RUNNERS_AT_MOST} runners at most`, {
    hint: 'planton runner delete RUNNER; one runner can have any number of instances',
    metadata: { limit: String(RUNNERS_AT_MOST) },
  });
}
