import { Socket } from 'node:net';
import type { Network } from './job.ts';

/** From now on no connection of this process gets anywhere but to what stays reachable. */
export function cutNetwork({ state, reachable }: Network): void {
  if (state === 'open') return;
  const connect = Socket.prototype.connect;
  Socket.prototype.connect = function (this: Socket, ...given: readonly unknown[]): Socket {
    const [first] = Array.isArray(given[0]) ? given[0] : given;
    const { host = 'localhost', port } =
      typeof first === 'object' && first !== null ? first : { port: first };
    const address = `${host}:${port}`;
    if (address === reachable) return Reflect.apply(connect, this, given);
    // What is written meanwhile waits for the connection.
    Object.assign(this, { connecting: true });
    if (state === 'refused') {
      const error = Object.assign(new Error(`connect ECONNREFUSED ${address}`), {
        code: 'ECONNREFUSED',
        syscall: 'connect',
      });
      setImmediate(() => this.destroy(error));
    } else {
      // As a connection under way does, it keeps the process alive.
      const waiting = setInterval(() => {}, 1_000);
      this.once('close', () => clearInterval(waiting));
    }
    return this;
  } as Socket['connect'];
}
