/**
 * Errors of both engines carry the SQLSTATE in `code`; those of sockets carry the system's name there. Each function looks through
 * `cause`, so a wrapped error is still recognised.
 */

const SOCKET_CODES = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

const UNAVAILABLE_STATES = new Set([
  '25006', // read only: a standby answers while the primary is replaced
  '25P03', // idle in transaction too long
  '25P04', // transaction too long
  '55P03', // lock wait too long
  '57014', // statement too long
  '57P01', // administrator shut the server down
  '57P02', // server crashed
  '57P03', // server starting up
  '57P05', // session idle too long
]);

/** Whole SQLSTATE classes: connection exceptions, insufficient resources. */
const UNAVAILABLE_CLASSES = ['08', '53'];

/** What the drivers say without a code. */
const UNAVAILABLE_MESSAGES = new Set([
  'Cannot use a pool after calling end on the pool',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Connection terminated',
  'Connection terminated due to connection timeout',
  'Connection terminated unexpectedly',
  'PGlite is closed',
  'PGlite is closing',
  'Query read timeout',
  'The server does not support SSL connections',
  'driver has already been destroyed',
  'timeout exceeded when trying to connect',
]);

/**
 * Is the database away or overloaded, so that the same request may succeed later?
 *
 * Whether a transaction that failed so at its very end was committed is unknown: retry only what is idempotent.
 */
export function isUnavailable(error: unknown): boolean {
  return some(error, (each) => {
    const code = codeOf(each);
    if (code === undefined) return UNAVAILABLE_MESSAGES.has(each.message);
    return (
      SOCKET_CODES.has(code) ||
      UNAVAILABLE_STATES.has(code) ||
      (code.length === 5 && UNAVAILABLE_CLASSES.includes(code.slice(0, 2)))
    );
  });
}

/** A row with these values exists. `constraint`: only if this constraint or unique index says so. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  return isViolation(error, '23505', constraint);
}

/** The row referred to does not exist, or is still referred to. */
export function isForeignKeyViolation(error: unknown, constraint?: string): boolean {
  return isViolation(error, '23503', constraint);
}

export function isCheckViolation(error: unknown, constraint?: string): boolean {
  return isViolation(error, '23514', constraint);
}

/** Two transactions met and one had to go; doing it again is right. `transact` already does. */
export function isConflict(error: unknown): boolean {
  return some(error, (each) => codeOf(each) === '40001' || codeOf(each) === '40P01');
}

function isViolation(error: unknown, state: string, constraint: string | undefined): boolean {
  return some(error, (each) => {
    if (codeOf(each) !== state) return false;
    return constraint === undefined || ('constraint' in each && each.constraint === constraint);
  });
}

function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const DEEPEST_CAUSE = 8;

function some(error: unknown, test: (error: Error) => boolean): boolean {
  let current = error;
  for (let depth = 0; depth < DEEPEST_CAUSE && current instanceof Error; depth++) {
    if (test(current)) return true;
    current = current.cause;
  }
  return false;
}
