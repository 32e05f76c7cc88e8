import { readText, SettingsRefused } from './read-settings.ts';

/**
 * Where another service listens, for a service that runs alone: `PLANTON_<SERVICE>_URL`. Throws `SettingsRefused`.
 *
 * @param service such as `config-manager`
 */
export function readServiceUrl(service: string, env: NodeJS.ProcessEnv): string {
  const variable = `PLANTON_${service.toUpperCase().replaceAll('-', '_')}_URL`;
  const text = env[variable];
  if (!text)
    throw new SettingsRefused(`${variable} is not set`, `set ${variable} to where ${service} listens`);
  if (!/^https?:$/.test(URL.parse(text)?.protocol ?? '')) {
    throw new SettingsRefused(`${variable} is not a URL`, 'write something like http://127.0.0.1:8081');
  }
  return text.replace(/\/+$/, '');
}

/** The key with which a service that runs alone says who it is, from `PLANTON_SERVICE_KEY_FILE`. Throws `SettingsRefused`. */
export function readServiceKey(env: NodeJS.ProcessEnv): string {
  const file = env.PLANTON_SERVICE_KEY_FILE;
  if (!file) {
    throw new SettingsRefused(
      'PLANTON_SERVICE_KEY_FILE is not set',
      'identity writes the keys of the services to <data-dir>/service-keys when it starts',
    );
  }
  const key = readText(file, 'PLANTON_SERVICE_KEY_FILE').trim();
  if (key === '') throw new SettingsRefused(`PLANTON_SERVICE_KEY_FILE: ${file} is empty`);
  return key;
}
