/** In the place of `libs/rpc/src/server/stop-strangers.ts`, see `leave-out.ts`. */
export function stopStrangers() {
  return async () => {};
}
