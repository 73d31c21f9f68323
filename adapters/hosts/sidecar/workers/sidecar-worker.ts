/** A worker of `meltemi sidecar`: an engine whose rules, configuration and end come from the primary. */
import cluster from 'node:cluster';
import { resolve } from 'node:path';
import { type LastGoodStore, lastGoodFiles } from '../../../../src/spi.js';
import { forgivingStream } from '../../../../src/telemetry/index.js';
import type { LoadedConfig } from '../../../node/config.js';
import { Engine } from '../engine.js';
import type { SidecarReport } from '../report.js';
import { withoutSources } from '../sources.js';
import type { FromWorker, ToWorker } from './messages.js';
import { type Channel, workerSource } from './worker-source.js';

/** How often it says how it stands while it is not ready. */
const TELL_MS = 500;

const listeners = new Set<(message: ToWorker) => void>();
const channel: Channel = {
  // The primary may be gone, and with it whoever wants to know.
  send: (message: FromWorker) => void (process.connected && process.send!(message, undefined, undefined, () => {})),
  listen(listener) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

let engine: Engine | undefined;
/** The configuration that was told last. */
let newest: LoadedConfig | undefined;
let cut = () => {};
const isCut = new Promise<void>((resolve) => {
  cut = resolve;
});

function tellHealth(): void {
  if (engine !== undefined) channel.send({ type: 'health', health: engine.health, listening: engine.listening });
}

async function start({ config, sources, index, count }: Extract<ToWorker, { type: 'start' }>): Promise<void> {
  newest = config;
  const tell = (report: SidecarReport) => {
    channel.send({ type: 'report', report });
    tellHealth();
  };
  const about = { program: `sidecar worker ${index + 1} of ${count}`, parent: process.ppid };
  const started = await Engine.start(ownConfig(config), tell, about, {
    sources: sources.map((source) => workerSource(source, channel)),
    workers: { index, count },
    ...lastGoodOf(config, index),
  });
  engine = started;
  if (newest !== config) await started.reload(ownConfig(newest));
  const telling = setInterval(tellHealth, TELL_MS);
  await started.ready();
  clearInterval(telling);
  tellHealth();
}

/** Sources are the primary's to follow, and a socket at a certain path is its to open. */
function ownConfig(config: LoadedConfig): LoadedConfig {
  return { ...withoutSources(config), lastGood: undefined, control: config.control !== false };
}

/** All workers have the same rules: one writes them. */
function lastGoodOf({ lastGood, directory }: LoadedConfig, index: number): { lastGood?: LastGoodStore } {
  if (lastGood === undefined) return {};
  const files = lastGoodFiles({ directory: resolve(directory, lastGood) });
  if (index === 0) return { lastGood: files };
  return { lastGood: { load: (source) => files.load(source), save: async () => {} } };
}

/**
 * A connection that the primary has dealt to it by now would be nobody's if it just ended: what it does not take goes back.
 * The primary's answer comes after the last of them.
 */
function leave(): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected) return resolve();
    process.once('disconnect', resolve);
    cluster.worker!.disconnect();
  });
}

async function obey(message: ToWorker): Promise<void> {
  switch (message.type) {
    case 'start':
      return start(message);
    case 'reload':
      newest = message.config;
      await engine?.reload(ownConfig(message.config));
      return tellHealth();
    case 'status':
      return channel.send({ type: 'status', id: message.id, ...(engine && { status: engine.status }) });
    case 'drain':
      await engine?.drain(isCut);
      if (engine !== undefined) await leave();
      process.exit(0);
      break;
    case 'cut':
      return cut();
  }
}

// The primary says when it ends; these come to all of a terminal's or a service's processes at once.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
process.on('message', (message: ToWorker) => {
  for (const listener of [...listeners]) listener(message);
});
channel.listen((message) => {
  obey(message).catch((error: unknown) => {
    forgivingStream(process.stderr).write(
      `meltemi sidecar worker: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(1);
  });
});
channel.send({ type: 'hello' });
