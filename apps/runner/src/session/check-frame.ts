import type { OpenSessionResponse } from '@planton/api/runner/v1/runner_gateway';

/** Looks at the frames of one session as they come; says what is wrong with one, or nothing. */
export type CheckFrame = (frame: OpenSessionResponse) => string | undefined;

/**
 * Checks what the contract says about the order of frames: numbered from 1 without a gap, a welcome first and once, and about what they
 * have to hold. A frame of a kind that this release does not know is counted and passes.
 */
export function createFrameCheck(): CheckFrame {
  let sequence = 0n;
  return ({ sequence: given, frame }) => {
    sequence += 1n;
    if (given !== sequence) return `frame ${given} came where frame ${sequence} was due`;
    if (sequence === 1n) {
      if (frame.case !== 'welcome' && frame.case !== 'goodbye')
        return `the session began with ${frame.case ?? 'a frame of an unknown kind'} instead of a welcome`;
      return undefined;
    }
    switch (frame.case) {
      case 'welcome':
        return 'a second welcome came';
      case 'assignment':
        return frame.value.attempt && frame.value.input && frame.value.timeout
          ? undefined
          : 'an assignment came without its attempt, input or timeout';
      case 'cancel':
      case 'ack':
        return frame.value.attempt ? undefined : `a frame ${frame.case} came without its attempt`;
      default:
        return undefined;
    }
  };
}
