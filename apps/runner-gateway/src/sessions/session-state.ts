import type { OpenSessionRequest } from '@planton/api/runner/v1/runner_gateway';
import { GatewayGoodbyeReason, type RunnerGoodbyeReason } from '@planton/api/runner/v1/session';

/** How a session came to its end. */
export type Ending =
  /** The runner said goodbye. */
  | { readonly by: 'runner'; readonly reason: RunnerGoodbyeReason }
  /** The gateway says goodbye. */
  | { readonly by: 'gateway'; readonly reason: GatewayGoodbyeReason; readonly message: string }
  /** The connection is gone, or was cut because the runner does not read what it is sent. */
  | { readonly by: 'connection' };

/** Where a session is in its life. Every state is left forwards alone. */
export type SessionState =
  /** The stream is open and nothing was heard. Ends with the time limit for a hello. */
  | { readonly name: 'awaiting_hello' }
  /** The hello is being checked and taken down. No frame is read meanwhile; whoever waits in a stampede waits here. */
  | { readonly name: 'opening' }
  /** The runner was welcomed. Operations go out, results come in. */
  | { readonly name: 'open' }
  /** The runner was asked to go elsewhere. No operation goes out; results still come in. */
  | { readonly name: 'draining' }
  /** Over. What is still in the queue, the goodbye last, goes out; nothing is read. */
  | { readonly name: 'closed'; readonly ending: Ending };

export type FrameName = NonNullable<OpenSessionRequest['frame']['case']>;

/** What moves a session on. */
export type SessionEvent =
  | { readonly type: 'frame'; readonly frame: FrameName }
  /** The hello was accepted and is on record. */
  | { readonly type: 'opened' }
  | { readonly type: 'drain' }
  | { readonly type: 'end'; readonly ending: Ending };

/** The states without data are the same object for every session. */
export const AWAITING_HELLO: SessionState = Object.freeze({ name: 'awaiting_hello' });
const OPENING: SessionState = Object.freeze({ name: 'opening' });
const OPEN: SessionState = Object.freeze({ name: 'open' });
const DRAINING: SessionState = Object.freeze({ name: 'draining' });

/**
 * The state after an event. What the protocol does not allow closes the session with a goodbye that says so; a closed session stays
 * as it is, whatever comes.
 */
export function nextState(state: SessionState, event: SessionEvent): SessionState {
  if (state.name === 'closed') return state;
  switch (event.type) {
    case 'end':
      return { name: 'closed', ending: event.ending };
    case 'drain':
      if (state.name === 'open' || state.name === 'draining') return DRAINING;
      return endedByGateway(GatewayGoodbyeReason.SHUTDOWN, 'this gateway is about to end; connect again');
    case 'opened':
      return state.name === 'opening' ? OPEN : state;
    case 'frame':
      return afterFrame(state, event.frame);
  }
}

function afterFrame(state: SessionState, frame: FrameName): SessionState {
  if (state.name === 'awaiting_hello') {
    return frame === 'hello' ? OPENING : violation(`the first frame has to be a hello and was ${frame}`);
  }
  if (state.name === 'opening') return violation(`${frame} came before the welcome`);
  if (frame === 'hello') return violation('a second hello');
  return state;
}

/** The end of a session whose runner broke the protocol. */
export function violation(message: string): SessionState {
  return endedByGateway(GatewayGoodbyeReason.PROTOCOL, message);
}

function endedByGateway(reason: GatewayGoodbyeReason, message: string): SessionState {
  return { name: 'closed', ending: { by: 'gateway', reason, message } };
}
