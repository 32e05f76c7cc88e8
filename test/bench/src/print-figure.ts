/** Writes one line of the report. */
export function print(name: string, figure: string, goal = ''): void {
  process.stdout.write(`${name.padEnd(44)}${figure.padStart(16)}  ${goal}\n`);
}
