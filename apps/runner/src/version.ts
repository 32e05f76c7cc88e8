/** Release of the runner program, as it says to the gateway. */
export const VERSION = '0.1.0';
