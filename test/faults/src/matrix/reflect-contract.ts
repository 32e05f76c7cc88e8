import {
  create,
  createFileRegistry,
  type DescMethod,
  type DescService,
  fromBinary,
} from '@bufbuild/protobuf';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { ServerReflection } from '@planton/api/grpc/reflection/v1/reflection';

/** What a running server says that it serves, asked as a stranger does: the list of its services, then the file of each. */
export async function reflectContract(server: string): Promise<readonly DescService[]> {
  const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: server }));
  const [listed] = await ask(client, [{ messageRequest: { case: 'listServices', value: '' } }]);
  if (listed?.case !== 'listServicesResponse') throw new Error('the server does not list its services');
  const names = listed.value.service.map(({ name }) => name);
  const answers = await ask(
    client,
    names.map((value) => ({ messageRequest: { case: 'fileContainingSymbol' as const, value } })),
  );
  return answers.map((answer, at) => {
    const name = names[at] ?? '';
    if (answer?.case !== 'fileDescriptorResponse') throw new Error(`the server does not describe ${name}`);
    return readService(answer.value.fileDescriptorProto, name);
  });
}

/** Every RPC of the services. */
export function methodsOf(services: readonly DescService[]): readonly DescMethod[] {
  return services.flatMap(({ methods }) => methods);
}

type Client = ReturnType<typeof createClient<typeof ServerReflection>>;
type Question = Parameters<Client['serverReflectionInfo']>[0] extends AsyncIterable<infer T> ? T : never;

async function ask(client: Client, questions: readonly Question[]) {
  const found = [];
  const asked = (async function* () {
    yield* questions;
  })();
  for await (const { messageResponse } of client.serverReflectionInfo(asked)) found.push(messageResponse);
  return found;
}

function readService(files: readonly Uint8Array[], name: string): DescService {
  const protos = new Map<string, FileDescriptorProto>(
    files.map((bytes) => {
      const proto = fromBinary(FileDescriptorProtoSchema, bytes);
      return [proto.name, proto];
    }),
  );
  const ordered = new Set<FileDescriptorProto>();
  const add = (proto: FileDescriptorProto | undefined) => {
    if (!proto || ordered.has(proto)) return;
    for (const path of proto.dependency) add(protos.get(path));
    ordered.add(proto);
  };
  for (const proto of protos.values()) add(proto);
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...ordered] }));
  const service = registry.getService(name);
  if (!service) throw new Error(`what the server describes has no ${name}`);
  return service;
}
