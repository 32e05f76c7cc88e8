import { renderTemplate } from '@planton/aws';
import type { HttpRoute, ServicePart } from '@planton/rpc';

const PATH = '/aws/cloudformation-template.yaml';

/** Seconds that the template may be cached; another version of the server may have another one. */
const MAX_AGE = 300;

/** Serves the CloudFormation template to whoever asks: it holds nothing that is secret or somebody's. */
export function createTemplatePart(): ServicePart {
  return {
    routes: () => {},
    http: [serveTemplate(Buffer.from(renderTemplate()))],
    start: () => {},
    stop: async () => {},
    ready: async () => true,
  };
}

function serveTemplate(template: Buffer): HttpRoute {
  return {
    method: 'GET',
    path: PATH,
    handle: (request, response) => {
      response.writeHead(200, {
        'content-type': 'application/yaml',
        'content-length': template.length,
        'cache-control': `public, max-age=${MAX_AGE}`,
        'x-content-type-options': 'nosniff',
      });
      response.end(request.method === 'HEAD' ? '' : template);
    },
  };
}
