/** An HTTP request as it came over the wire. Text is one character per byte (latin1), so that no byte is lost or changed. */
export interface RawRequest {
  readonly method: string;
  /** Path and query, still encoded. */
  readonly target: string;
  /** In the order they were sent, repetitions included. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

export type Pairs = readonly (readonly [name: string, value: string])[];

/** All values of a header, in the order they were sent. */
export function headerValues(request: RawRequest, name: string): readonly string[] {
  return request.headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
}

export function pathOf(request: RawRequest): string {
  return request.target.split('?', 1)[0] ?? '';
}

export function queryOf(request: RawRequest): string {
  const path = pathOf(request);
  return request.target.slice(path.length + 1);
}
