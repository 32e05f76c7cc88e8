import { expect, test } from 'vitest';
import { decideStep } from './sign-in-by-device.ts';

const answer = (error: string, status = 400) => ({ status, body: { error } });

test.each([
  ['waits on', answer('authorization_pending'), { pause: 5 }],
  ['waits longer when told to', answer('slow_down'), { pause: 10 }],
  ['waits longer for a server that is busy', answer('temporarily_unavailable', 503), { pause: 10 }],
  ['ends by a no', answer('access_denied'), { ended: 'refused' }],
  ['ends by age', answer('expired_token'), { ended: 'expired' }],
  ['ends when the code is not known any more', answer('invalid_grant'), { ended: 'expired' }],
  ['does not go on with what it does not know', answer('something'), { ended: 'strange' }],
  [
    'takes no half of a pair',
    { status: 200, body: { access_token: 'a', expires_in: 1 } },
    { ended: 'strange' },
  ],
  [
    'takes the tokens',
    { status: 200, body: { access_token: 'a', refresh_token: 'r', expires_in: 1 } },
    { tokens: { access: 'a', refresh: 'r', lifetime: 1 } },
  ],
])('a sign-in by code %s', (_what, answered, step) => {
  expect(decideStep(answered, 5)).toEqual(step);
});

test('never waits more than a minute', () => {
  expect(decideStep(answer('slow_down'), 58)).toEqual({ pause: 60 });
});
