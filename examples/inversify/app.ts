import { Container, type ServiceIdentifier } from 'inversify';
import { type DubboClient, dubboClient } from 'meltemi/dubbo';
import { meshModule } from 'meltemi/inversify';
import { OneTenant, Tenants, TenantTagging } from './tenant-tagging.js';

const HOST = 'org.apache.dubbo.samples.basic.api.demoservice';
const INTERFACE = 'org.apache.dubbo.samples.basic.api.DemoService';

export const DemoService = Symbol.for('example:DemoService') as ServiceIdentifier<DubboClient>;

/** The service's container: its own classes, and the mesh with a client for what it calls. */
export function appContainer(rules: string): Container {
  const container = new Container();
  container.bind(Tenants).to(OneTenant).inSingletonScope();
  container.load(
    meshModule({
      config: { rules, watch: false },
      interceptors: [TenantTagging],
      clients: [
        {
          token: DemoService,
          create: (mesh) => dubboClient(mesh, { host: HOST, port: 20880, interface: INTERFACE }),
        },
      ],
    }),
  );
  return container;
}
