import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Headers as OwnHeaders } from './headers.ts';

const name = fc.constantFrom('a', 'A', 'content-type', 'Content-Type', 'x-b');
const value = fc.string({ unit: fc.constantFrom('a', 'B', ' ', ',', '\t'), maxLength: 6 });
const step = fc.oneof(
  fc.record({ method: fc.constantFrom('append', 'set'), name, value }),
  fc.record({ method: fc.constant('delete'), name, value }),
);

test('behaves as the platform’s', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), fc.array(step), (init, steps) => {
      const own = new OwnHeaders(init);
      const platform = new Headers(init);
      for (const { method, name, value } of steps)
        for (const headers of [own, platform]) {
          if (method === 'append') headers.append(name, value);
          else if (method === 'set') headers.set(name, value);
          else headers.delete(name);
        }
      expect([...own]).toEqual([...platform]);
      for (const name of ['a', 'X-B', 'absent']) {
        expect(own.get(name)).toBe(platform.get(name));
        expect(own.has(name)).toBe(platform.has(name));
      }
    }),
  );
});

test('starts from a record, or from headers', () => {
  const first = new OwnHeaders({ A: '1', b: '2' });
  expect(Object.fromEntries(new OwnHeaders(first))).toEqual({ a: '1', b: '2' });
  const seen: string[] = [];
  first.forEach((value, name) => {
    seen.push(`${name}=${value}`);
  });
  expect(seen).toEqual(['a=1', 'b=2']);
});
