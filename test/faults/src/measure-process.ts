import { readdirSync } from 'node:fs';
import { runProgram } from '@planton/test-platform';

/** A process as `ps` lists it. */
export interface ListedProcess {
  readonly pid: number;
  readonly parent: number;
  /** Resident memory, bytes. */
  readonly rss: number;
  /** Its arguments, followed by its environment where the owner may see it. */
  readonly command: string;
}

/** Every process of this machine. */
export async function listProcesses(): Promise<ListedProcess[]> {
  const { code, stdout, stderr } = await runProgram('ps', ['axeww', '-o', 'pid=,ppid=,rss=,command='], {
    env: { PATH: process.env.PATH },
  });
  if (code !== 0) throw new Error(`ps ended with ${code}: ${stderr}`);
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, kilobytes, command = ''] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return pid ? [{ pid: Number(pid), parent: Number(parent), rss: Number(kilobytes) * 1024, command }] : [];
  });
}

/** Bytes of memory that a process has. */
export async function memoryOf(pid: number): Promise<number> {
  const found = (await listProcesses()).find((each) => each.pid === pid);
  if (!found) throw new Error(`there is no process ${pid}`);
  return found.rss;
}

/** How many files and sockets a process has open; undefined where the system does not say, as on macOS. */
export function openFilesOf(pid: number): number | undefined {
  return process.platform === 'linux' ? readdirSync(`/proc/${pid}/fd`).length : undefined;
}

/** Whether there is a process of that number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
