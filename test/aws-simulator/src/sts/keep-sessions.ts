import { encodeLetters } from '../identities/derive-unique-id.ts';
import type { Credential, FindRole, KnownRole, SessionContext } from '../identities/identity.ts';

/** Cryptographically secure bytes, unless a test wants to know them. */
export type RandomBytes = (size: number) => Buffer;

/** Temporary credentials, as they are handed out. */
export interface IssuedCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expireTime: Date;
}

/** The sessions of roles that were assumed. In memory only: a restart ends them all. */
export interface Sessions {
  issue(role: KnownRole, name: string, expireTime: Date, context?: SessionContext): IssuedCredentials;
  /** Undefined also once the role is gone, even if there is another one of its name. */
  find(accessKeyId: string): Credential | undefined;
  /** Ends every session that was issued so far, as of `now`. */
  expire(now: Date): void;
}

const MOST_SESSIONS = 10_000;
const NO_CONTEXT: SessionContext = { tags: new Map(), transitiveTagKeys: [] };

export function keepSessions(findRole: FindRole, random: RandomBytes): Sessions {
  const sessions = new Map<string, { readonly credential: Credential; readonly roleId: string }>();
  return {
    issue: (role, name, expireTime, context = NO_CONTEXT) => {
      const issued = {
        accessKeyId: `ASIA${encodeLetters(random(16))}`,
        secretAccessKey: random(30).toString('base64'),
        sessionToken: `IQoJb3JpZ2luX2Vj${random(240).toString('base64')}`,
        expireTime,
      };
      const caller = {
        kind: 'session',
        accountId: role.accountId,
        partition: role.partition,
        arn: `arn:${role.partition}:sts::${role.accountId}:assumed-role/${role.name}/${name}`,
        principalArn: role.arn,
        userId: `${role.roleId}:${name}`,
        session: context,
      } as const;
      sessions.set(issued.accessKeyId, {
        credential: { ...issued, active: true, caller },
        roleId: role.roleId,
      });
      const [oldest] = sessions.keys();
      if (sessions.size > MOST_SESSIONS && oldest !== undefined) sessions.delete(oldest);
      return issued;
    },
    find: (accessKeyId) => {
      const session = sessions.get(accessKeyId);
      if (session === undefined) return undefined;
      const { credential, roleId } = session;
      return findRole(credential.caller.principalArn)?.roleId === roleId ? credential : undefined;
    },
    expire: (now) => {
      for (const [accessKeyId, { credential, roleId }] of sessions) {
        sessions.set(accessKeyId, { credential: { ...credential, expireTime: now }, roleId });
      }
    },
  };
}
