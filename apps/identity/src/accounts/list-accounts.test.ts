import { randomUUID } from 'node:crypto';
import { SignInMethod } from '@planton/api/identity/v1/account';
import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { EMAIL, useSite } from '../testing/use-site.ts';

describe.each(engines)('accounts on %s', (kind) => {
  const site = useSite(kind);

  test('are listed page by page, with how each signs in', async () => {
    await site.signedIn();
    const { root } = site.fixture();
    const people = [await site.newPerson('zoe'), await site.newPerson('zoe'), await site.newPerson('yan')];
    const listed = [];
    for (let pageToken = ''; ; ) {
      const page = await root.listAccounts({ pageSize: 2, pageToken });
      expect(page.accounts.length).toBeLessThanOrEqual(2);
      listed.push(...page.accounts);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    const everything = (await root.listAccounts({ pageSize: 1000 })).accounts;
    expect(listed).toEqual(everything);
    expect(everything.map(({ name }) => name)).toEqual(everything.map(({ name }) => name).toSorted());
    for (const { uid, email } of people) {
      expect(everything.find((account) => account.uid === uid)).toMatchObject({
        email,
        signInMethods: [SignInMethod.PASSWORD],
        organizationCount: 1,
        instanceOwner: false,
      });
    }
    const mine = await root.listAccounts({ email: EMAIL.toUpperCase() });
    expect(mine.accounts).toMatchObject([{ name: 'Ada', email: EMAIL, instanceOwner: true }]);
    expect((await root.listAccounts({ email: 'no address' })).accounts).toEqual([]);
    const token = (await root.listAccounts({ pageSize: 1 })).nextPageToken;
    expect(await refusalOf(root.listAccounts({ pageToken: token, email: EMAIL }))).toMatchObject({
      reason: 'PAGE_TOKEN_INVALID',
    });
  });

  test('are the affair of the instance owner alone', async () => {
    const { newOrganization, newUser, clientWith } = site.fixture();
    const { uid } = await newOrganization();
    const { client, uid: other } = await newUser(uid, 'owner');
    const only = { kind: 'denied', reason: 'INSTANCE_OWNER_ONLY' };
    expect(await refusalOf(client.listAccounts({}))).toEqual(only);
    expect(await refusalOf(client.disableAccount({ uid: other }))).toEqual(only);
    expect(await refusalOf(client.enableAccount({ uid: other }))).toEqual(only);
    expect(await refusalOf(client.createPasswordLink({ uid: other }))).toEqual(only);
    expect(await refusalOf(clientWith().disableAccount({ uid: other }))).toMatchObject({
      kind: 'unauthenticated',
    });
  });

  test('whom nobody knows, and service accounts, are no accounts', async () => {
    const { root } = site.fixture();
    const { slug: org } = await site.fixture().newOrganization();
    const { serviceAccount } = await root.createServiceAccount({ org, slug: 'ci', role: Role.VIEWER });
    for (const uid of [randomUUID(), serviceAccount?.uid ?? '', "'; drop table subject"])
      for (const call of [root.disableAccount, root.enableAccount, root.createPasswordLink])
        expect(await refusalOf(call({ uid }))).toEqual({ kind: 'missing', reason: 'ACCOUNT_NOT_FOUND' });
  });
});
