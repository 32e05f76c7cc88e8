/** Long enough for a request's own queries, short enough for heartbeats and for others' requests. */
const LONGEST_TURN_MS = 10;

/**
 * Makes room for timers and sockets between the steps of work that holds the event loop: call what it returns before each step. PGlite
 * answers without ever leaving the microtask queue, so a long run of queries would stop everything else in the process.
 *
 * Costs nothing until a turn of the loop has had queries for ten milliseconds.
 */
export function createTurnYielder(): () => Promise<void> {
  let began = 0;
  let watching = false;
  return async () => {
    if (!watching) {
      watching = true;
      began = performance.now();
      setImmediate(() => {
        watching = false;
      });
    } else if (performance.now() - began > LONGEST_TURN_MS) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
}
