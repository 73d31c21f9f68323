/** Entry and route plans: roles and their order, compiling, running, interceptors. Imports `policy`, `cluster`, `routing`, `telemetry` and below. */
export { ActiveCalls } from './active-calls.js';
export { type CompileContext, compilePlan } from './compile.js';
export { compileChain, type Interceptor, InterceptorChain, type Next } from './interceptors.js';
export { RoutedPass } from './pass-run.js';
export { type PassOwner, RoutePlan, type Slots } from './plan.js';
export { ROLES, type RoleEntry } from './roles.js';
export { RoutedCall } from './routed-call.js';
export { type ServiceMeters, ServicePlan, type ServicePlanParts } from './service-plan.js';
export { setOnStageThrow } from './settle.js';
