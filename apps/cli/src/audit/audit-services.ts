import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { type Command, Option } from 'commander';

/** Services that keep an audit trail, by the name that their records bear. */
const services = {
  identity: Identity,
  'config-manager': ConfigManager,
  'connection-service': ConnectionService,
  'runner-gateway': RunnerService,
} as const;

export type AuditServiceName = keyof typeof services;
export type AuditService = (typeof services)[AuditServiceName];

const names = Object.keys(services) as AuditServiceName[];

/** Options of a command about the trails of services. */
export interface ServiceOptions {
  readonly service?: AuditServiceName;
}

export function withService(command: Command): Command {
  return command.addOption(new Option('--service <name>', 'only the trail of this service').choices(names));
}

export function serviceNames({ service }: ServiceOptions): readonly AuditServiceName[] {
  return service ? [service] : names;
}

/** The services whose trails are meant. */
export function servicesOf(
  options: ServiceOptions,
): readonly { readonly name: AuditServiceName; readonly service: AuditService }[] {
  return serviceNames(options).map((name) => ({ name, service: services[name] }));
}
