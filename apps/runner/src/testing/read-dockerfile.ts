/** One instruction of a Dockerfile. */
export interface Instruction {
  readonly name: string;
  /** Such as `--chmod=0444`. */
  readonly flags: Readonly<Record<string, string>>;
  /** Words; of the exec form, its arguments. */
  readonly words: readonly string[];
  /** Whether it is in the exec form, `["a", "b"]`, which needs no shell. */
  readonly isExec: boolean;
}

const known = /^(FROM|RUN|COPY|ENV|WORKDIR|USER|VOLUME|EXPOSE|STOPSIGNAL|HEALTHCHECK|ENTRYPOINT)$/;

/** Reads a Dockerfile; throws for an instruction that it does not know, so that nothing in it goes unseen. */
export function readDockerfile(text: string): readonly Instruction[] {
  return text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map(readInstruction);
}

function readInstruction(line: string): Instruction {
  const [, name = '', rest = ''] = /^(\S+)\s+(.*)$/.exec(line) ?? [];
  if (!known.test(name)) throw new Error(`an unknown instruction: ${line}`);
  const flags: Record<string, string> = {};
  const body = rest.replace(/^(\s*--[a-z-]+=\S+)+/, (all) => {
    for (const [, flag = '', value = ''] of all.matchAll(/--([a-z-]+)=(\S+)/g)) flags[flag] = value;
    return '';
  });
  const command = body.trim().replace(/^CMD\s+(?=\[)/, '');
  if (command.startsWith('[')) return { name, flags, words: JSON.parse(command), isExec: true };
  return { name, flags, words: command.split(/\s+/), isExec: false };
}

/** The files of a folder that a `.dockerignore` of `*` and exceptions lets into the build. */
export function admittedByIgnoreFile(text: string): readonly string[] {
  const [first, ...rest] = text.split('\n').filter((line) => line.trim() !== '');
  if (first !== '*' || !rest.every((line) => /^![\w./-]+$/.test(line)))
    throw new Error('the ignore file is not of everything with exceptions');
  return rest.map((line) => line.slice(1));
}
