import { encodeLetters } from '../identities/derive-unique-id.ts';
import type { Credential, FindRole, KnownRole } from '../identities/identity.ts';

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
  issue(role: KnownRole, name: string, expireTime: Date): IssuedCredentials;
  /** Undefined also once the role is gone. */
  find(accessKeyId: string): Credential | undefined;
  /** Ends every session that was issued so far, as of `now`. */
  expire(now: Date): void;
}

const MOST_SESSIONS = 10_000;

export function keepSessions(findRole: FindRole, random: RandomBytes): Sessions {
  const sessions = new Map<string, { readonly credential: Credential; readonly roleArn: string }>();
  return {
    issue: (role, name, expireTime) => {
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
      } as const;
      sessions.set(issued.accessKeyId, {
        credential: { ...issued, active: true, caller },
        roleArn: role.arn,
      });
      const [oldest] = sessions.keys();
      if (sessions.size > MOST_SESSIONS && oldest !== undefined) sessions.delete(oldest);
      return issued;
    },
    find: (accessKeyId) => {
      const session = sessions.get(accessKeyId);
      return session && findRole(session.roleArn) && session.credential;
    },
    expire: (now) => {
      for (const [accessKeyId, { credential, roleArn }] of sessions) {
        sessions.set(accessKeyId, { credential: { ...credential, expireTime: now }, roleArn });
      }
    },
  };
}
