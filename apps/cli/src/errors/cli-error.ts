/** Exit codes that scripts rely on. `exec` passes on its child's own. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  caller: 4,
  state: 5,
  negative: 6,
  unavailable: 7,
  interrupted: 130,
} as const;

/** An error that the CLI itself found: what is wrong, the next command, and how the process ends. */
export class CliError extends Error {
  readonly exitCode: number;
  readonly hint: string;

  constructor(message: string, { exitCode, hint = '' }: { exitCode: number; hint?: string }) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** The next command where nothing more precise is known. */
export const usageHint = 'see how it is used with --help';

/** A command that was not used as it has to be. */
export function usage(message: string, hint = usageHint): CliError {
  return new CliError(message, { exitCode: exitCodes.usage, hint });
}

/** Something that does not exist. */
export function notFound(message: string, hint?: string): CliError {
  return new CliError(message, { exitCode: exitCodes.notFound, ...(hint ? { hint } : {}) });
}

/** An error that has been told already: only the exit code is left. */
export class AlreadyTold extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit code ${exitCode}`);
    this.name = 'AlreadyTold';
    this.exitCode = exitCode;
  }
}

/** The server could not be reached, or the connection to it broke. */
export class ServerUnreachable extends Error {
  readonly server: string;

  constructor(server: string, reason: string, cause: unknown) {
    super(reason, { cause });
    this.name = 'ServerUnreachable';
    this.server = server;
  }
}
