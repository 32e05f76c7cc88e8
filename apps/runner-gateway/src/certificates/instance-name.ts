/** What a client certificate says about who holds it. */
export interface InstanceName {
  readonly instanceUid: string;
  /** Counts the certificates of the instance from 1. */
  readonly generation: number;
}

const PREFIX = 'urn:planton:runner-instance:';
const UID = /^[A-Za-z0-9-]{1,64}$/;
const MAX_GENERATION = 2_147_483_647;

/** As Node writes the one name of a certificate; a list, another kind of name or a quoted one does not match. */
const SUBJECT_ALT_NAME = /^URI:urn:planton:runner-instance:([A-Za-z0-9-]{1,64}):([1-9][0-9]{0,9})$/;

/**
 * The URI that a certificate names an instance by.
 *
 * @throws RangeError for what `parseInstanceName` would not read back
 */
export function formatInstanceName(instanceUid: string, generation: number): string {
  if (!UID.test(instanceUid)) {
    throw new RangeError(`an instance uid is letters, digits and hyphens: ${JSON.stringify(instanceUid)}`);
  }
  if (!Number.isSafeInteger(generation) || generation < 1 || generation > MAX_GENERATION) {
    throw new RangeError(`a generation is a whole number from 1 to ${MAX_GENERATION}: ${generation}`);
  }
  return `${PREFIX}${instanceUid}:${generation}`;
}

/**
 * Reads the name of a verified client certificate. Whatever is not exactly one name of the form that `formatInstanceName` writes is
 * no name at all.
 *
 * @param subjectAltName as `X509Certificate.subjectAltName` or `getPeerCertificate().subjectaltname` gives it: `URI:urn:…`
 */
export function parseInstanceName(subjectAltName: string): InstanceName | undefined {
  const [, instanceUid, digits] = SUBJECT_ALT_NAME.exec(subjectAltName) ?? [];
  const generation = Number(digits);
  if (instanceUid === undefined || !(generation <= MAX_GENERATION)) return undefined;
  return { instanceUid, generation };
}
