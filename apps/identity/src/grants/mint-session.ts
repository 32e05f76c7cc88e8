/** Marks by which Identity, and scanners for leaked secrets, tell what programs hold for people from API keys. */
const ACCESS_MARK = 'planton_session_';
const REFRESH_MARK = 'planton_refresh_';

const ACCESS = /^planton_session_[A-Za-z0-9_-]{43}$/;
const REFRESH = /^planton_refresh_[A-Za-z0-9_-]{43}$/;

type RandomBytes = (size: number) => Buffer;

/** What is sent as a bearer: services exchange it at Identity as they do an API key. 256 random bits. */
export function mintSessionAccess(randomBytes: RandomBytes): string {
  return ACCESS_MARK + randomBytes(32).toString('base64url');
}

/** What buys the next pair, once. 256 random bits. */
export function mintSessionRefresh(randomBytes: RandomBytes): string {
  return REFRESH_MARK + randomBytes(32).toString('base64url');
}

export function isSessionAccess(text: string): boolean {
  return ACCESS.test(text);
}

export function isSessionRefresh(text: string): boolean {
  return REFRESH.test(text);
}
