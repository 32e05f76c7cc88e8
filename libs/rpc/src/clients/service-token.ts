/** Milliseconds before its end at which the token is renewed. */
const RENEW_BEFORE_MS = 60_000;

/**
 * Keeps a service's own access token: exchanges the service's key when there is none that is good for another minute, once
 * for many waiters.
 */
export function keepServiceToken(settings: {
  readonly exchange: () => Promise<{ readonly token: string; readonly expireTime: number }>;
  readonly now: () => number;
}): () => Promise<string> {
  let current: { readonly token: string; readonly expireTime: number } | undefined;
  let exchanging: Promise<string> | undefined;

  return async () => {
    if (current && current.expireTime - RENEW_BEFORE_MS > settings.now()) return current.token;
    exchanging ??= settings
      .exchange()
      .then((made) => {
        current = made;
        return made.token;
      })
      .finally(() => {
        exchanging = undefined;
      });
    return exchanging;
  };
}
