/** A port that HAProxy listens on, and the ports of the endpoints behind it. */
export interface HaproxyListener {
  readonly name: string;
  readonly port: number;
  readonly endpoints: readonly number[];
}

/** Bytes in, bytes out: HAProxy knows neither Dubbo nor Thrift. */
export function haproxyConfig(listeners: readonly HaproxyListener[]): string {
  const lines = ['global', '  nbthread 1', 'defaults', '  mode tcp'];
  lines.push('  timeout connect 2s', '  timeout client 60s', '  timeout server 60s');
  for (const { name, port, endpoints } of listeners) {
    lines.push(`listen ${name}`, `  bind 127.0.0.1:${port}`, '  balance roundrobin');
    for (const [i, endpoint] of endpoints.entries()) lines.push(`  server s${i} 127.0.0.1:${endpoint}`);
  }
  return `${lines.join('\n')}\n`;
}
