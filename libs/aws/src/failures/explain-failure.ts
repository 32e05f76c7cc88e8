import { findRegion } from '../partitions/find-region.ts';
import {
  clockSkew,
  expired,
  faultOfAws,
  foreignAnswer,
  malformedKey,
  noCredentials,
  propagating,
  regionDisabled,
  throttled,
  unknownKey,
  unreachable,
  untrustedCertificate,
  webIdentityTrust,
  wrongSecret,
} from './describe-cause.ts';
import { describeObservation } from './describe-observation.ts';
import { explainDenial } from './explain-denial.ts';
import type { AwsFailure, AwsFailureCause, AwsFailureContext, AwsFailureExplanation } from './failure.ts';

type Finding = Omit<AwsFailureExplanation, 'observation'>;
type Explain = (message: string, context: AwsFailureContext) => readonly AwsFailureCause[];

/** Codes without the `Exception` that some of AWS's protocols add. */
const THROTTLING: ReadonlySet<string> = new Set([
  'BandwidthLimitExceeded',
  'EC2Throttled',
  'LimitExceeded',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
  'RequestThrottled',
  'SlowDown',
  'Throttled',
  'Throttling',
  'TooManyRequests',
  'TransactionInProgress',
]);

/** Answers of AWS that are not about the access. */
const FAULTS: ReadonlySet<string> = new Set([
  'IDPCommunicationError',
  'InternalError',
  'InternalFailure',
  'InternalServerError',
  'RequestTimeout',
  'ServiceUnavailable',
]);

const explainSignature: Explain = (message, context) => {
  if (/^Signature (expired|not yet current)/.test(message)) return [clockSkew()];
  return /^Credential should be scoped|^Date in Credential scope/.test(message) ? [] : [wrongSecret(context)];
};
const explainUnknownKey: Explain = (_, context) => [
  unknownKey(context),
  ...(mayBeDisabled(context.region) ? [regionDisabled(context)] : []),
  propagating(),
];
const explainExpired: Explain = (_, context) => [expired(context)];
const explainRegion: Explain = (_, context) => [regionDisabled(context)];
const explainWebIdentity: Explain = () => [webIdentityTrust()];
const explainClock: Explain = () => [clockSkew()];
/** What was asked for is refused, whoever asks; what AWS says about it is the whole of it. */
const explainNothing: Explain = () => [];

const REFUSALS: ReadonlyMap<string, Explain> = new Map([
  ['AccessDenied', explainDenial],
  ['AuthFailure', explainUnknownKey],
  ['ExpiredToken', explainExpired],
  ['IDPRejectedClaim', explainWebIdentity],
  ['IncompleteSignature', (_, context) => [malformedKey(context)]],
  ['InvalidAccessKeyId', explainUnknownKey],
  ['InvalidClientTokenId', explainUnknownKey],
  ['InvalidIdentityToken', explainWebIdentity],
  ['InvalidParameterValue', explainNothing],
  ['InvalidSignature', explainSignature],
  ['MalformedPolicyDocument', explainNothing],
  ['NotAuthorized', explainDenial],
  ['OptInRequired', explainRegion],
  ['PackedPolicyTooLarge', explainNothing],
  ['RegionDisabled', explainRegion],
  ['RequestExpired', (_, context) => [clockSkew(), expired(context)]],
  ['RequestInTheFuture', explainClock],
  ['RequestTimeTooSkewed', explainClock],
  ['SessionDurationEscalation', explainNothing],
  ['SignatureDoesNotMatch', explainSignature],
  ['UnauthorizedOperation', explainDenial],
  ['UnrecognizedClient', explainUnknownKey],
  ['ValidationError', explainNothing],
]);

/** What the AWS SDK throws itself where it has found nothing to sign with. */
const PROVIDERS: ReadonlySet<string> = new Set([
  'CredentialsProviderError',
  'ProviderError',
  'TokenProviderError',
]);

/**
 * Says what a call to AWS that failed means: whether it is about the access at all, and what may have caused it.
 *
 * Nothing that is unknown counts as refused: an answer that this does not know says nothing about the credentials.
 */
export function explainAwsFailure(failure: AwsFailure, context: AwsFailureContext): AwsFailureExplanation {
  const observation = describeObservation(failure, context.secrets ?? []);
  return { ...find(failure, context), observation };
}

function find(failure: AwsFailure, context: AwsFailureContext): Finding {
  const { httpStatus, message = '', name } = failure;
  const code = name.replace(/(?<!^)Exception$/, '');
  if (httpStatus === 429 || THROTTLING.has(code)) return inconclusive(throttled());
  if ((httpStatus ?? 0) >= 500 || FAULTS.has(code)) return inconclusive(faultOfAws());
  const explain = REFUSALS.get(code);
  if (explain !== undefined) return { verdict: 'refused', causes: explain(message, context) };
  if (httpStatus !== undefined) return inconclusive(foreignAnswer());
  if (PROVIDERS.has(name)) return explainProvider(message, context);
  return explainNetwork(failure, context);
}

function explainProvider(message: string, context: AwsFailureContext): Finding {
  if (/\bexpired\b/i.test(message)) return { verdict: 'refused', causes: [expired(context)] };
  if (/TimeoutError|Unable to connect|responded with status: (5|429)/.test(message)) {
    return inconclusive(noCredentials(context));
  }
  return { verdict: 'refused', causes: [noCredentials(context)] };
}

function explainNetwork(failure: AwsFailure, context: AwsFailureContext): Finding {
  const { networkCode = '', message = '' } = failure;
  if (networkCode === 'ERR_INVALID_CHAR') return { verdict: 'refused', causes: [malformedKey(context)] };
  // The chain names a file, such as that of a web identity token, which is not there or may not be read.
  if (/^E[A-Z]+$/.test(networkCode) && message.startsWith(`${networkCode}: `)) {
    return { verdict: 'refused', causes: [noCredentials(context)] };
  }
  if (/^CERT_(NOT_YET_VALID|HAS_EXPIRED)$/.test(networkCode)) {
    return inconclusive(untrustedCertificate(), clockSkew());
  }
  if (/CERT|^ERR_TLS_|^UNABLE_TO_|^HOSTNAME_MISMATCH$|^INVALID_CA$/.test(networkCode)) {
    return inconclusive(untrustedCertificate());
  }
  if (/^(EPROTO|ERR_SSL_|HPE_)/.test(networkCode)) return inconclusive(foreignAnswer());
  return inconclusive(unreachable(context));
}

function inconclusive(...causes: readonly AwsFailureCause[]): Finding {
  return { verdict: 'inconclusive', causes };
}

/** Accounts have these from the start, in every one of the partition; all others have to be enabled first. */
const ALWAYS_ENABLED =
  /^(us-(east|west)-[12]|ca-central-1|sa-east-1|eu-(west-[123]|central-1|north-1)|ap-(northeast-[123]|south-1|southeast-[12]))$/;

function mayBeDisabled(region: string | undefined): boolean {
  if (region === undefined || findRegion(region)?.partition !== 'aws') return false;
  return !ALWAYS_ENABLED.test(region);
}
