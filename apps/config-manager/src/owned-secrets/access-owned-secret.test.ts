import { AuditOutcome } from '@planton/api/common/v1/audit';
import { engines, useTestEngine } from '@planton/database/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  callOwnedSecrets,
  newOwner,
  type OwnedSecretCalls,
  type TestOwner,
} from '../testing/call-owned-secrets.ts';
import {
  type ConfigManagerClient,
  type Org,
  refusalOf,
  startConfigManager,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

const SERVICE = 'connection-service';

describe.each(engines)('AccessOwnedSecret on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  let org: Org;
  let people: ConfigManagerClient;
  let owner: TestOwner;
  let calls: OwnedSecretCalls;
  let uid: string;
  let value: string;
  beforeAll(async () => {
    config = await startConfigManager(engine());
  });
  afterAll(() => config.stop());
  beforeEach(async () => {
    org = config.newOrg();
    people = await config.as({ org });
    owner = newOwner();
    calls = await callOwnedSecrets(config, org, owner);
    uid = crypto.randomUUID();
    ({ value } = await calls.mint(uid));
  });

  /** Reads after the one that was part of minting, newest first. */
  const reads = async () => {
    const { records } = await people.listAuditRecords({ org: org.slug, action: 'secret.access' });
    return records.filter(({ purpose }) => purpose !== 'set up trust');
  };

  test('gives the value to its owner, and says so in the trail', async () => {
    expect(await calls.access(uid)).toMatchObject({ slug: 'external-id', value });
    expect(await reads()).toMatchObject([
      {
        actorName: SERVICE,
        viaService: SERVICE,
        resourceKind: 'secret',
        resourceUid: uid,
        resourceSlug: 'external-id',
        version: 1,
        purpose: 'verify',
        outcome: AuditOutcome.SUCCEEDED,
        details: { owner_uid: owner.uid, entries: 'value' },
      },
    ]);
    const ann = await callOwnedSecrets(config, org, owner, { actor: { org, role: 'viewer', name: 'Ann' } });
    expect((await ann.access(uid)).value).toBe(value);
    expect(await reads()).toMatchObject([{ actorName: 'Ann', viaService: SERVICE }, {}]);
  });

  test('gives nothing to anybody else, and puts nothing on record', async () => {
    const elsewhere = config.newOrg('elsewhere');
    const made = await people.setSecret({ org: org.slug, slug: 'of-people', entries: { value: '1' } });
    const retired = crypto.randomUUID();
    await calls.mint(retired, 'retired');
    await calls.retire(retired);
    const refused = [
      await refusalOf((await callOwnedSecrets(config, org, newOwner('thief'))).access(uid)),
      await refusalOf(
        (await callOwnedSecrets(config, org, owner, { service: 'runner-gateway' })).access(uid),
      ),
      await refusalOf((await callOwnedSecrets(config, elsewhere, owner)).access(uid)),
      await refusalOf(calls.access(made.secret?.uid ?? '')),
      await refusalOf(calls.access('never-minted')),
      await refusalOf(calls.access(retired)),
    ];
    for (const each of refused) {
      expect(each).toMatchObject({ kind: 'missing', reason: 'OWNED_SECRET_NOT_FOUND' });
      expect(each.message).toMatch(/^there is no secret [\w-]+ that was made for object [\w-]+$/);
    }
    expect(await reads()).toEqual([]);
    const theirs = await config.as({ org: elsewhere });
    expect((await theirs.listAuditRecords({ org: elsewhere.slug })).records).toEqual([]);
  });

  test('a record that cannot be written keeps the value in', async () => {
    await sql`alter table config.audit_record add constraint broken check (purpose <> 'fail')`.execute(
      config.database.query,
    );
    try {
      for (const call of [() => calls.access(uid, 'fail'), () => calls.mint(uid, 'external-id', 'fail')]) {
        const refused = await refusalOf(call());
        expect(refused).toMatchObject({ kind: 'internal' });
        expect(JSON.stringify(refused)).not.toContain(value);
      }
    } finally {
      await sql`alter table config.audit_record drop constraint broken`.execute(config.database.query);
    }
    expect(await reads()).toEqual([]);
    expect(JSON.stringify(config.log)).not.toContain(value);
  });

  test('what does not decrypt is recorded as failed: a row of another secret, too', async () => {
    const other = crypto.randomUUID();
    await calls.mint(other, 'other');
    await sql`update config.secret_entry e set ciphertext = (
        select o.ciphertext from config.secret_entry o join config.secret_version w on w.uid = o.version_uid where w.secret_uid = ${other})
      from config.secret_version v where v.uid = e.version_uid and v.secret_uid = ${uid}`.execute(
      config.database.query,
    );
    for (const call of [() => calls.access(uid), () => calls.mint(uid)]) {
      expect(await refusalOf(call())).toMatchObject({ kind: 'internal', reason: 'INTERNAL' });
    }
    const { records } = await people.listAuditRecords({ org: org.slug, action: 'secret.access' });
    expect(records.filter(({ outcome }) => outcome === AuditOutcome.FAILED)).toMatchObject([
      { resourceUid: uid, viaService: SERVICE, details: { reason: 'SECRET_DAMAGED' } },
      { resourceUid: uid },
    ]);
  });

  test('many at once are each on record', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => calls.access(uid)));
    expect(answers.map((answer) => answer.value)).toEqual(Array(20).fill(value));
    expect(await reads()).toHaveLength(20);
  });

  test('reads the same while organisation keys rotate, and what was retired is no hindrance', async () => {
    const uids = Array.from({ length: 4 }, () => crypto.randomUUID());
    const values = new Map<string, string>([[uid, value]]);
    for (const [index, each] of uids.entries()) values.set(each, (await calls.mint(each, `s${index}`)).value);
    await calls.retire(uids[0] ?? '');
    values.delete(uids[0] ?? '');
    expect(await people.rotateOrganizationKey({ org: org.slug })).toMatchObject({
      keyVersion: 2,
      rewrappedDataKeys: 4,
    });

    let rotating = true;
    const work = Array.from({ length: 4 }, async (_, worker) => {
      const ends: string[] = [];
      for (let round = 0; rotating || round < 2; round++) {
        const fresh = crypto.randomUUID();
        values.set(fresh, (await calls.mint(fresh, `w${worker}-${round}`)).value);
        for (const known of [uid, fresh]) expect((await calls.access(known)).value).toBe(values.get(known));
        if (round % 2 === 1) {
          await calls.retire(fresh);
          values.delete(fresh);
          ends.push(fresh);
        }
      }
      return ends;
    });
    for (let i = 0; i < 4; i++) await people.rotateOrganizationKey({ org: org.slug });
    rotating = false;
    const ended = (await Promise.all(work)).flat();
    expect(ended.length).toBeGreaterThanOrEqual(4);
    await people.rotateOrganizationKey({ org: org.slug });
    for (const [known, expected] of values) expect((await calls.access(known)).value).toBe(expected);
    for (const gone of ended) expect(await refusalOf(calls.access(gone))).toMatchObject({ kind: 'missing' });
    const { rows } = await sql<{ version: number }>`
      select version from config.organization_key where organization_uid = ${org.uid}`.execute(
      config.database.query,
    );
    expect(rows).toHaveLength(1);
  });
});
