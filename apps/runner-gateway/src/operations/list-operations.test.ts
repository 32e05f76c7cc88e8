import { OperationState } from '@planton/api/runner/v1/operation';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { useOperations } from '../testing/use-operations.ts';
import { refusalOf, useTestGateway } from '../testing/use-test-gateway.ts';

describe.each(engines)('lists of operations on %s', (kind) => {
  const gateway = useTestGateway(kind, { overrides: { times: { lostMs: 1_500 } } });
  const { clientOf, execute } = useOperations(gateway);

  test('they are listed newest first, in pages, by runner and by state', async () => {
    const pool = await gateway().newPool();
    const client = await clientOf(pool);
    const uids: (string | undefined)[] = [];
    for (let i = 0; i < 5; i++) uids.unshift((await execute(pool, { detach: true }))?.uid);
    await client.cancelOperation({ org: pool.org.slug, operationUid: uids[1] ?? '' });
    const listed: string[] = [];
    for (let pageToken = ''; ; ) {
      const page = await client.listOperations({ org: pool.org.slug, pageSize: 2, pageToken });
      listed.push(...page.operations.map(({ uid }) => uid));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(listed).toEqual(uids);
    const list = async (filter: object) =>
      (await client.listOperations({ org: pool.org.slug, ...filter })).operations.map(({ uid }) => uid);
    expect(await list({ states: [OperationState.CANCELLED] })).toEqual([uids[1]]);
    expect(await list({ runner: pool.runner })).toEqual(uids);
    expect((await refusalOf(list({ runner: 'nobody' }))).reason).toBe('RUNNER_NOT_FOUND');
    expect((await refusalOf(list({ pageToken: 'x' }))).reason).toBe('PAGE_TOKEN_INVALID');
  });
});
