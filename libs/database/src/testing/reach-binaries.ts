import { constants, copyFile, link, mkdir, readdir, readlink, stat, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** The programs of a PostgreSQL, in the `bin` folder of their installation. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The same programs where another user can run them: as they are, or, where a folder above them is closed to others, as in a clone
 * that only root may enter, linked into a folder that is not.
 *
 * @param home belongs to the user; what is linked there goes with it
 */
export async function reachBinaries(binaries: Binaries, home: string): Promise<Binaries> {
  if (await isOpenToOthers(dirname(binaries.postgres))) return binaries;
  const installation = dirname(dirname(binaries.postgres));
  const reachable = join(home, 'native');
  await linkTree(installation, reachable);
  const moved = (program: string) => join(reachable, relative(installation, program));
  return { initdb: moved(binaries.initdb), postgres: moved(binaries.postgres) };
}

async function isOpenToOthers(folder: string): Promise<boolean> {
  for (let at = folder; ; at = dirname(at)) {
    if (((await stat(at)).mode & constants.S_IXOTH) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

async function linkTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o755 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await linkTree(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    // A temporary folder may be on another file system.
    else await link(source, target).catch(() => copyFile(source, target));
  }
}
