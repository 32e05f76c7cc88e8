/**
 * Where a runner stands. One loop owns the state; whoever looks at it sees what was true a moment ago.
 *
 * - `starting`: nothing was tried yet
 * - `waiting`: for the next attempt, after `failures` that failed in a row
 * - `enrolling`: asks the API for a new instance
 * - `recovering`: asks the API for a certificate that replaces one which ended or was refused
 * - `dialling`: connects to the gateway, TLS included
 * - `greeting`: has said hello and waits for the welcome, and for what the gateway says about attempts that the hello named
 * - `open`: takes operations; this alone counts as ready
 * - `draining`: takes nothing more, finishes, and leaves: because the gateway asked (`gateway`), to connect again, or because the
 *   runner ends (`shutdown`)
 * - `ended`: for good
 */
export type RunnerState =
  | { readonly phase: 'starting' }
  | { readonly phase: 'waiting'; readonly failures: number; readonly delayMs: number }
  | { readonly phase: 'enrolling' }
  | { readonly phase: 'recovering' }
  | { readonly phase: 'dialling'; readonly address: string }
  | { readonly phase: 'greeting'; readonly address: string }
  | { readonly phase: 'open'; readonly sessionUid: string; readonly gatewayUid: string }
  | { readonly phase: 'draining'; readonly why: 'gateway' | 'shutdown' }
  | { readonly phase: 'ended' };

export type Phase = RunnerState['phase'];

/** Which phase may follow which. */
export const transitions: Readonly<Record<Phase, readonly Phase[]>> = {
  starting: ['dialling', 'recovering', 'enrolling', 'ended'],
  waiting: ['dialling', 'recovering', 'enrolling', 'ended'],
  enrolling: ['waiting', 'ended'],
  recovering: ['waiting', 'ended'],
  dialling: ['greeting', 'waiting', 'ended'],
  greeting: ['open', 'draining', 'waiting', 'ended'],
  open: ['draining', 'waiting', 'ended'],
  draining: ['draining', 'waiting', 'ended'],
  ended: [],
};

/** The state of one runner, which moves along `transitions` alone. */
export interface StateHolder {
  current(): RunnerState;
  /** @throws Error for a step that no runner takes */
  enter(next: RunnerState): void;
}

export function holdState(onChange: (state: RunnerState) => void): StateHolder {
  let state: RunnerState = { phase: 'starting' };
  return {
    current: () => state,
    enter: (next) => {
      if (!transitions[state.phase].includes(next.phase))
        throw new Error(`a runner does not go from ${state.phase} to ${next.phase}`);
      state = next;
      onChange(next);
    },
  };
}
