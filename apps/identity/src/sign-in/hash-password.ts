import { hashPassword, verifyPassword } from 'better-auth/crypto';

/** How long a password has to be, in characters; what it is made of is its owner's affair. */
export const SHORTEST_PASSWORD = 12;
const LONGEST_PASSWORD = 256;

/** A hash takes 32 MB and a tenth of a second: so many at a time, so many that wait. */
const AT_A_TIME = 2;
const WAITING_AT_MOST = 32;

/** Thrown where too many passwords wait to be looked at. */
export class PasswordsBusy extends Error {}

/** What is wrong with a new password; undefined where nothing is. */
export function refusePassword(password: string): string | undefined {
  const length = [...password].length;
  if (length < SHORTEST_PASSWORD) return `The password needs at least ${SHORTEST_PASSWORD} characters.`;
  if (length > LONGEST_PASSWORD) return `The password has more than ${LONGEST_PASSWORD} characters.`;
  return undefined;
}

/** Hashes and verifies passwords as better-auth does: scrypt, a salt for each. */
export interface Passwords {
  hash(password: string): Promise<string>;
  /** Without a hash it takes as long and answers false, so that nobody learns by a clock which accounts there are. */
  verify(password: string, hash: string | undefined): Promise<boolean>;
}

export function createPasswords(): Passwords {
  let running = 0;
  const waiting: (() => void)[] = [];
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= AT_A_TIME) {
      if (waiting.length >= WAITING_AT_MOST) throw new PasswordsBusy('too many passwords wait');
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
  let decoy: Promise<string> | undefined;
  const hash = (password: string) => inTurn(() => hashPassword(password));
  return {
    hash,
    verify: async (password, stored) => {
      decoy ??= hash('the password of nobody');
      const against = stored ?? (await decoy);
      const bounded = [...password].slice(0, LONGEST_PASSWORD + 1).join('');
      const right = await inTurn(() =>
        verifyPassword({ hash: against, password: bounded }).catch(() => false),
      );
      return right && stored !== undefined;
    },
  };
}
