import type { HttpRequest } from '@planton/rpc';

const LARGEST_FORM = 16 * 1024;
const FORM_TIMEOUT_MS = 10_000;
const FORM_TYPE = /^application\/x-www-form-urlencoded(;|$)/i;

/** A form that was not read: the status to answer, and why. */
export class FormRefused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'FormRefused';
    this.status = status;
  }
}

/** What a form or a query says: each name once. */
export type Words = ReadonlyMap<string, string>;

/**
 * Reads the form that a request sends.
 *
 * @throws FormRefused for another type, more than 16 KB, a name that comes twice, or a body that does not come whole in 10 seconds
 */
export async function readForm(request: HttpRequest): Promise<Words> {
  if (!FORM_TYPE.test(request.headers['content-type'] ?? '')) {
    throw new FormRefused(415, 'the body has to be application/x-www-form-urlencoded');
  }
  return wordsOf(new URLSearchParams((await readBody(request)).toString('utf8')));
}

/** The query of a request. Throws `FormRefused` for a name that comes twice. */
export function readQuery(request: HttpRequest): Words {
  return wordsOf(new URLSearchParams((request.url ?? '').split('?').slice(1).join('?')));
}

/** A word that comes twice is read in one way here and in another elsewhere: it is refused. */
function wordsOf(parameters: URLSearchParams): Words {
  const words = new Map<string, string>();
  for (const [name, value] of parameters) {
    if (words.has(name)) throw new FormRefused(400, 'a parameter is given twice');
    if (value.includes('\0') || name.includes('\0')) throw new FormRefused(400, 'a parameter holds a NUL');
    words.set(name, value);
  }
  return words;
}

function readBody(request: HttpRequest): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const late = () => settle(() => reject(new FormRefused(408, 'the body did not come whole')));
    const timer = setTimeout(late, FORM_TIMEOUT_MS);
    const settle = (end: () => void) => {
      clearTimeout(timer);
      end();
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= LARGEST_FORM) return void chunks.push(chunk);
      request.pause();
      settle(() => reject(new FormRefused(413, 'the body is too large')));
    });
    request.once('end', () => settle(() => resolve(Buffer.concat(chunks))));
    request.once('error', late);
    request.once('close', late);
  });
}
