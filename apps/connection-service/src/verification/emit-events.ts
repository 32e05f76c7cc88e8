/**
 * Yields what `work` emits, and throws what it throws. The work goes on to its end whether or not anybody listens: a stream that is
 * left is not always told so, and one that is read slowly must not hold it up.
 */
export async function* emitEvents<T>(
  work: (emit: (event: T) => void) => Promise<void>,
): AsyncGenerator<T, void, void> {
  const events: T[] = [];
  let ended = false;
  let wake = () => {};
  const working = work((event) => {
    events.push(event);
    wake();
  }).finally(() => {
    ended = true;
    wake();
  });
  // Thrown below, unless nobody is there any more.
  working.catch(() => {});
  while (true) {
    for (let event = events.shift(); event !== undefined; event = events.shift()) yield event;
    if (ended) break;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  await working;
}
