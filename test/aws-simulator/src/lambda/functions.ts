/** A function whose code is at hand. */
export interface LambdaFunction {
  readonly arn: string;
  readonly name: string;
  /** CommonJS, of /index.js. */
  readonly code: string;
  /** The name under which the code exports its handler. */
  readonly exported: string;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly roleArn: string;
}

/** Functions of all accounts and regions, by ARN. */
export interface Functions {
  find(arn: string): LambdaFunction | undefined;
  put(definition: LambdaFunction): void;
  delete(arn: string): void;
}

export function keepFunctions(): Functions {
  const functions = new Map<string, LambdaFunction>();
  return {
    find: (arn) => functions.get(arn),
    put: (definition) => void functions.set(definition.arn, definition),
    delete: (arn) => void functions.delete(arn),
  };
}
