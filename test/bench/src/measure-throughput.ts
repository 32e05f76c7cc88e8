import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** One unary call, as bytes on the wire. */
export interface Call {
  readonly url: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const CONNECTIONS = 8;
const STREAMS = 16;
/** What an HTTP/2 client may open before it knows what the server allows. */
const STREAMS_AT_ONCE = 100;

/** Which load generator measures: h2load where it is installed, else one of ours, which takes more of the machine itself. */
export const generator = spawnSync('h2load', ['--version']).status === 0 ? 'h2load' : 'bundled';

/** Requests per second over 8 HTTP/2 connections with 16 streams each. Throws when an answer is not 200. */
export function measureThroughput(call: Call, requests: number): Promise<number> {
  return generator === 'h2load' ? withH2load(call, requests) : withOwnClient(call, requests);
}

async function withH2load(call: Call, requests: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'planton-bench-'));
  try {
    const file = join(folder, 'body');
    writeFileSync(file, call.body);
    // h2load maps the file, which cannot be empty.
    const body = call.body.length > 0 ? ['-d', file] : ['-H', ':method: POST'];
    const headers = Object.entries(call.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const load = [
      '-n',
      String(requests),
      '-c',
      String(CONNECTIONS),
      '-m',
      String(STREAMS),
      ...body,
      ...headers,
    ];
    const { stdout } = await promisify(execFile)('h2load', [...load, call.url + call.path], {
      timeout: 120_000,
    });
    const rate = /finished in [^,]+, ([\d.]+) req\/s/.exec(stdout)?.[1];
    const succeeded = /status codes: (\d+) 2xx/.exec(stdout)?.[1];
    if (!rate || Number(succeeded) !== requests)
      throw new Error(`${call.path} failed under load:\n${stdout}`);
    return Number(rate);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function withOwnClient(call: Call, requests: number): Promise<number> {
  const sessions = Array.from({ length: CONNECTIONS }, () => connect(call.url));
  let left = requests;
  const started = performance.now();
  const work = async (session: ClientHttp2Session) => {
    while (left-- > 0) await post(session, call);
  };
  try {
    await Promise.all(sessions.flatMap((session) => Array.from({ length: STREAMS }, () => work(session))));
    return requests / ((performance.now() - started) / 1000);
  } finally {
    for (const session of sessions) session.close();
  }
}

/** Sends all requests before it waits for an answer. Throws when one is not 200. */
export async function askAtOnce(call: Call, requests: number): Promise<void> {
  const sessions = Array.from({ length: Math.ceil(requests / STREAMS_AT_ONCE) }, () => connect(call.url));
  try {
    await Promise.all(
      Array.from({ length: requests }, (_, index) =>
        post(sessions[index % sessions.length] as ClientHttp2Session, call),
      ),
    );
  } finally {
    for (const session of sessions) session.close();
  }
}

function post(session: ClientHttp2Session, { path, headers, body }: Call): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
    let status: unknown;
    stream.on('response', (answer) => {
      status = answer[':status'];
    });
    stream.on('error', reject);
    stream.on('end', () => (status === 200 ? resolve() : reject(new Error(`${path} answered ${status}`))));
    stream.resume();
    stream.end(body);
  });
}
