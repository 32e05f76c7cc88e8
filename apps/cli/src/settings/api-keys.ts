import type { Surroundings } from '../terminal/terminal.ts';
import { readConfig, writeConfig } from './config-home.ts';

const file = 'credentials.json';

/** The API key that was stored for a server. */
export async function readApiKey(cli: Surroundings, server: string): Promise<string | undefined> {
  return (await readKeys(cli)).get(server);
}

export async function storeApiKey(cli: Surroundings, server: string, key: string): Promise<void> {
  const keys = await readKeys(cli);
  await writeConfig(cli, file, { servers: Object.fromEntries(keys.set(server, key)) });
}

/** Forgets the key for a server; whether there was one. */
export async function removeApiKey(cli: Surroundings, server: string): Promise<boolean> {
  const keys = await readKeys(cli);
  if (!keys.delete(server)) return false;
  await writeConfig(cli, file, { servers: Object.fromEntries(keys) });
  return true;
}

async function readKeys(cli: Surroundings): Promise<Map<string, string>> {
  const { servers } = await readConfig(cli, file);
  if (typeof servers !== 'object' || servers === null) return new Map();
  return new Map(
    Object.entries(servers).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
