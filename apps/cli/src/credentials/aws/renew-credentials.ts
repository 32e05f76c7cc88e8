import type { AwsCredentials } from '@planton/aws';

// SDKs start to ask for new ones up to 15 minutes before the end; a session of an hour is renewed once in 45 minutes. One that lives
// shorter is renewed after half of its life.
const renewBefore = 15 * 60_000;
// What has no end, or ends soon however often it is issued, is asked for again at this pace at most, so that many processes of one build
// are one call.
const reuseFor = 60_000;

/**
 * Answers credentials that are good for a while: the last ones, or new ones from `issue` when their end is near. Many
 * callers at once wait for one call. Where renewing fails, what has not expired is answered still; a key without an end is
 * not, since it may have been withdrawn.
 */
export function renewing(
  first: AwsCredentials,
  issue: () => Promise<AwsCredentials>,
  now: () => Date,
): () => Promise<AwsCredentials> {
  let current = first;
  let issuedAt = now().getTime();
  let pending: Promise<AwsCredentials> | undefined;

  const isFresh = () => {
    const at = now().getTime();
    const isNew = at - issuedAt < reuseFor;
    if (!current.expiration) return isNew;
    const end = current.expiration.getTime();
    if (end - at <= reuseFor) return false;
    return isNew || end - at > Math.min(renewBefore, (end - issuedAt) / 2);
  };
  const renew = async () => {
    try {
      current = await issue();
      issuedAt = now().getTime();
    } catch (error) {
      if (!current.expiration || current.expiration.getTime() <= now().getTime()) throw error;
    } finally {
      pending = undefined;
    }
    return current;
  };
  return async () => {
    if (isFresh()) return current;
    pending ??= renew();
    return pending;
  };
}
