import type { HttpRequest, HttpResponse } from './http-route.ts';

/** Milliseconds that the other side is given to read the answer. */
const LINGER_MS = 500;

/**
 * Ends the answer to a request whose body was not read to its end: what is left of it is neither taken for the next request nor waited for.
 * Over HTTP/1.1 the connection goes with it, though not at once: a connection that is cut while the other side still sends takes with
 * it what that has not read yet.
 */
export function endAndHangUp(request: HttpRequest, response: HttpResponse, text: string): void {
  if ('stream' in response) {
    response.end(text, () => response.stream.close());
    return;
  }
  const { socket } = request;
  response.end(text, () => {
    socket.end();
    request.removeAllListeners('data').resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  });
}
