import { inject, injectable, type ServiceIdentifier } from 'inversify';
import type { Call, Next, Reply } from 'meltemi';
import { MeshInterceptor } from 'meltemi/inversify';
import type { Observable } from 'rxjs';

/** Whose work this is, as the service knows it. */
export interface Tenants {
  current(): string;
}

export const Tenants = Symbol.for('example:Tenants') as ServiceIdentifier<Tenants>;

@injectable()
export class OneTenant implements Tenants {
  current(): string {
    return 'acme';
  }
}

/** Tags each call with its tenant, before the route is chosen: rules may match `tenant`, and the provider sees it. */
@MeshInterceptor({ phase: 'before-route' })
export class TenantTagging {
  constructor(@inject(Tenants) private readonly tenants: Tenants) {}

  intercept(call: Call, next: Next): Observable<Reply> {
    call.set('tenant', this.tenants.current());
    return next(call);
  }
}
