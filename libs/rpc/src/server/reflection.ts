import {
  create,
  createRegistry,
  type DescFile,
  type DescService,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectRouter } from '@connectrpc/connect';
import {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from '@planton/api/grpc/reflection/v1/reflection';

type Answer = ServerReflectionResponse['messageResponse'];

/** Serves grpc.reflection.v1.ServerReflection, so that grpcurl and buf curl work without the proto files. */
export function reflectionRoutes(services: readonly DescService[]): (router: ConnectRouter) => void {
  const names = [...services, ServerReflection].map((service) => service.typeName).sort();
  const files = collectFiles([...services, ServerReflection].map((service) => service.file));
  const registry = createRegistry(...files.values());

  return (router) =>
    router.service(ServerReflection, {
      async *serverReflectionInfo(requests) {
        for await (const request of requests) {
          yield create(ServerReflectionResponseSchema, {
            validHost: request.host,
            originalRequest: request,
            messageResponse: answer(request, names, files, registry),
          });
        }
      },
    });
}

function answer(
  { messageRequest: asked }: ServerReflectionRequest,
  names: readonly string[],
  files: ReadonlyMap<string, DescFile>,
  registry: Registry,
): Answer {
  switch (asked.case) {
    case 'listServices':
      return {
        case: 'listServicesResponse',
        value: {
          $typeName: 'grpc.reflection.v1.ListServiceResponse',
          service: names.map((name) => ({ $typeName: 'grpc.reflection.v1.ServiceResponse', name })),
        },
      };
    case 'fileByFilename':
      return describe(files.get(asked.value), asked.value);
    case 'fileContainingSymbol':
      return describe(fileOfSymbol(registry, asked.value), asked.value);
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = asked.value;
      const message = registry.getMessage(containingType);
      const found = message && registry.getExtensionFor(message, extensionNumber);
      return describe(found?.file, `extension ${extensionNumber} of ${containingType}`);
    }
    case 'allExtensionNumbersOfType': {
      const extensionNumber = [...registry]
        .filter((type) => type.kind === 'extension' && type.extendee.typeName === asked.value)
        .map((type) => (type.kind === 'extension' ? type.number : 0));
      return {
        case: 'allExtensionNumbersResponse',
        value: {
          $typeName: 'grpc.reflection.v1.ExtensionNumberResponse',
          baseTypeName: asked.value,
          extensionNumber,
        },
      };
    }
    default:
      return refuse(Code.InvalidArgument, 'the question is empty');
  }
}

/** A service's method is found through its service, everything else by its own name. */
function fileOfSymbol(registry: Registry, symbol: string): DescFile | undefined {
  const found = registry.get(symbol);
  if (found) return found.file;
  const dot = symbol.lastIndexOf('.');
  const service = dot > 0 ? registry.getService(symbol.slice(0, dot)) : undefined;
  return service?.methods.some((method) => method.name === symbol.slice(dot + 1)) ? service.file : undefined;
}

function describe(file: DescFile | undefined, asked: string): Answer {
  if (!file) return refuse(Code.NotFound, `this server does not know ${asked.slice(0, 200)}`);
  const fileDescriptorProto = [...collectFiles([file]).values()].map((each) =>
    toBinary(FileDescriptorProtoSchema, each.proto),
  );
  return {
    case: 'fileDescriptorResponse',
    value: { $typeName: 'grpc.reflection.v1.FileDescriptorResponse', fileDescriptorProto },
  };
}

function refuse(errorCode: number, errorMessage: string): Answer {
  return {
    case: 'errorResponse',
    value: { $typeName: 'grpc.reflection.v1.ErrorResponse', errorCode, errorMessage },
  };
}

/** The files and all that they import, by name. */
function collectFiles(
  roots: readonly DescFile[],
  found = new Map<string, DescFile>(),
): Map<string, DescFile> {
  for (const file of roots) {
    if (found.has(file.proto.name)) continue;
    found.set(file.proto.name, file);
    collectFiles(file.dependencies, found);
  }
  return found;
}
