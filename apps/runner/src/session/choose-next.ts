import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';

/** How an attempt to be connected ended. */
export type AttemptEnd =
  /** Nothing answered, or nothing that could be used. */
  | { readonly kind: 'unreachable' }
  /** What answers at the address is not the gateway that the credentials name. The authority or the address may have changed. */
  | { readonly kind: 'untrusted' }
  /** The gateway ended the connection before it said anything: it may not take the certificate, or has other troubles. */
  | { readonly kind: 'unwelcome' }
  /** The gateway took the hello and did not answer in time. That says nothing about the certificate. */
  | { readonly kind: 'ignored' }
  /** The gateway said that it does not take the certificate. */
  | { readonly kind: 'refused' }
  /** A session ended without a goodbye, or because one side broke the protocol. */
  | { readonly kind: 'lost'; readonly lastedMs: number }
  /** The runner left a gateway that drains. */
  | { readonly kind: 'left' }
  | { readonly kind: 'goodbye'; readonly reason: GatewayGoodbyeReason; readonly lastedMs: number | undefined }
  /** The certificate was replaced, or a new instance made. */
  | { readonly kind: 'renewed' }
  /** The API refused to replace the certificate: the platform wants this instance no more. */
  | { readonly kind: 'disowned' }
  /** The API refused to make a new instance. */
  | { readonly kind: 'barred' }
  /** The API did not answer whether there is a new instance. */
  | { readonly kind: 'unanswered' };

/** What counts for the next step. */
export interface History {
  /** Attempts that failed in a row. */
  readonly failures: number;
  /** Attempts in a row that the gateway did not welcome, since the certificate was last replaced. */
  readonly rejections: number;
  /** How often the certificate was replaced in a row without a session after it. */
  readonly recoveries: number;
  /** How often in a row the API refused to replace the certificate. */
  readonly refusals: number;
  /** Whether this process may have left a session half open behind it, which takes the next one's place when it comes up late. */
  readonly hasLooseHello: boolean;
}

export interface Abilities {
  readonly canRecover: boolean;
  readonly canEnrol: boolean;
  /** Milliseconds after which a session forgets the failures before it. */
  readonly settledMs: number;
}

/** What to do next. `connect`, `recover` and `enrol` come after the backoff of `history.failures`. */
export type Next = { readonly history: History } & (
  | { readonly do: 'connect' }
  | { readonly do: 'recover' }
  | { readonly do: 'enrol' }
  | { readonly do: 'end'; readonly why: 'disowned' | 'superseded' }
);

export const noHistory: History = {
  failures: 0,
  rejections: 0,
  recoveries: 0,
  refusals: 0,
  hasLooseHello: false,
};

const ENOUGH_REFUSALS = 3;
/** Failures that a gateway with too many sessions counts for, so that it is left alone for a while. */
const TOO_MANY_FAILURES = 5;
/** Connections in a row that have to end without a word before the certificate is suspected: a gateway that dies does the same. */
const PATIENCE = 4;
/** The most rejections between two replacements of the certificate that do not help, as a power of two. */
const MOST_PATIENCE = 6;

/** Decides what follows. Pure: the same ends and the same history lead to the same step. */
export function chooseNext(end: AttemptEnd, history: History, abilities: Abilities): Next {
  const failed = { ...history, failures: history.failures + 1 };
  switch (end.kind) {
    case 'unreachable':
      return { do: 'connect', history: failed };
    case 'unanswered':
      return { do: 'enrol', history: failed };
    case 'left':
      return { do: 'connect', history: noHistory };
    case 'renewed':
      return { do: 'connect', history: { ...history, refusals: 0 } };
    case 'lost':
      return { do: 'connect', history: afterSession(end.lastedMs, history, abilities) };
    case 'untrusted':
    case 'refused':
      return rejected(failed, 1, abilities);
    case 'ignored':
      return { do: 'connect', history: { ...failed, hasLooseHello: true } };
    case 'unwelcome':
      return rejected({ ...failed, hasLooseHello: true }, PATIENCE, abilities);
    case 'disowned': {
      // One word for everything that is wrong, a nonce that came too late included: it has to be said again to count.
      const refused = { ...failed, refusals: history.refusals + 1 };
      return refused.refusals < ENOUGH_REFUSALS
        ? { do: 'recover', history: refused }
        : disowned({ ...refused, refusals: 0 }, abilities);
    }
    case 'barred':
      return { do: 'end', why: 'disowned', history: failed };
    case 'goodbye':
      return afterGoodbye(end.reason, end.lastedMs, history, abilities);
  }
}

/**
 * The gateway does not take the certificate, or shows one that is not trusted. Whether that will change only the API can tell. It is
 * asked after a few rejections, and more seldom each time that its answer did not help.
 */
function rejected(history: History, patience: number, abilities: Abilities): Next {
  const rejections = history.rejections + 1;
  const due = patience * 2 ** Math.min(history.recoveries, MOST_PATIENCE);
  if (rejections < due) return { do: 'connect', history: { ...history, rejections } };
  if (abilities.canRecover)
    return { do: 'recover', history: { ...history, rejections: 0, recoveries: history.recoveries + 1 } };
  if (abilities.canEnrol)
    return { do: 'enrol', history: { ...history, rejections: 0, recoveries: history.recoveries + 1 } };
  return { do: 'connect', history: { ...history, rejections } };
}

function disowned(history: History, { canEnrol }: Abilities): Next {
  return canEnrol ? { do: 'enrol', history } : { do: 'end', why: 'disowned', history };
}

function afterGoodbye(
  reason: GatewayGoodbyeReason,
  lastedMs: number | undefined,
  history: History,
  abilities: Abilities,
): Next {
  const failed = { ...history, failures: history.failures + 1 };
  const after = lastedMs === undefined ? failed : afterSession(lastedMs, history, abilities);
  switch (reason) {
    case GatewayGoodbyeReason.REVOKED:
    case GatewayGoodbyeReason.LOCKED:
      return disowned(after, abilities);
    case GatewayGoodbyeReason.SUPERSEDED:
      // It may have been a hello of this process that came late. Once; then it is another process.
      return history.hasLooseHello
        ? { do: 'connect', history: { ...after, hasLooseHello: false } }
        : { do: 'end', why: 'superseded', history: after };
    case GatewayGoodbyeReason.TOO_MANY_SESSIONS:
      return { do: 'connect', history: { ...after, failures: Math.max(after.failures, TOO_MANY_FAILURES) } };
    default:
      return { do: 'connect', history: after };
  }
}

/** The gateway took the certificate. A session that lasted forgets the failures before it; one that did not adds another. */
function afterSession(
  lastedMs: number,
  { failures, hasLooseHello }: History,
  { settledMs }: Abilities,
): History {
  return lastedMs >= settledMs ? noHistory : { ...noHistory, failures: failures + 1, hasLooseHello };
}
