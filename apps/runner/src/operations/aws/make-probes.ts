import { AwsTrustProbeKind } from '@planton/api/runner/v1/operation';

/** As many bytes as are asked for, that nobody can foresee. */
export type RandomBytes = (size: number) => Uint8Array;

/** One attempt that a role has to deny. */
export interface Probe {
  readonly kind: AwsTrustProbeKind;
  /** What is sent instead of the external ID; empty for none. */
  readonly externalId: string;
  /** What is tried, in words. */
  readonly what: string;
}

/** STS takes no fewer and no more characters. */
const SHORTEST = 2;
const LONGEST = 1_224;
/** How often a random one is made anew that comes out as the external ID. */
const TRIES = 10;
const ALPHABETS = ['0123456789', 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const HEXADECIMAL = ['0123456789abcdef'];

/**
 * What a role that insists on this external ID has to deny: none, and each way of having it wrong that a careless trust policy would let
 * in. None of them is the external ID; one that this external ID cannot be made into is left out.
 */
export function makeProbes(externalId: string, random: RandomBytes): readonly Probe[] {
  const { NONE, WRONG, TRUNCATED, EXTENDED, CASE_FLIPPED } = AwsTrustProbeKind;
  const probes: readonly Probe[] = [
    { kind: WRONG, externalId: imitate(externalId, random), what: 'with a wrong external ID' },
    { kind: TRUNCATED, externalId: externalId.slice(0, -1), what: 'with the external ID cut short' },
    { kind: EXTENDED, externalId: `${externalId}0`, what: 'with the external ID and one character more' },
    { kind: CASE_FLIPPED, externalId: flipCase(externalId), what: 'with the external ID in the other case' },
  ];
  const fits = (probe: Probe) =>
    probe.externalId !== externalId &&
    probe.externalId.length >= SHORTEST &&
    probe.externalId.length <= LONGEST;
  return [{ kind: NONE, externalId: '', what: 'without the external ID' }, ...probes.filter(fits)];
}

/** Characters of the same kinds in the same places. */
function imitate(externalId: string, random: RandomBytes): string {
  const alphabets = /^[0-9a-f]+$/.test(externalId) ? HEXADECIMAL : ALPHABETS;
  for (let tries = 0; tries < TRIES; tries++) {
    const bytes = random(externalId.length);
    const wrong = Array.from(externalId, (character, index) => {
      const alphabet = alphabets.find((each) => each.includes(character));
      return alphabet?.charAt((bytes[index] ?? 0) % alphabet.length) ?? character;
    }).join('');
    if (wrong !== externalId) return wrong;
  }
  return externalId.startsWith('x') ? 'y'.repeat(externalId.length) : 'x'.repeat(externalId.length);
}

function flipCase(externalId: string): string {
  return externalId.replace(/[a-zA-Z]/g, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );
}
