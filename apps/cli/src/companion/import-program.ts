/** Imports a program that is found at run time. The bundle has a way of its own, because its script cannot import. */
export function importProgram(url: string): Promise<{ readonly main?: unknown }> {
  return import(url);
}
