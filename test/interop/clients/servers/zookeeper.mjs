/** Debian's ZooKeeper. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../support/free-ports.mjs';
import { daemon, listening, serve } from './serve.mjs';

await serve(async (folder) => {
  const port = await freePort();
  const file = join(folder, 'zoo.cfg');
  writeFileSync(
    file,
    `tickTime=200\ndataDir=${folder}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n`,
  );
  const java = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', '/etc/zookeeper/conf:/usr/share/java/zookeeper.jar'];
  daemon('java', [...java, 'org.apache.zookeeper.server.quorum.QuorumPeerMain', file]);
  await listening(port);
  return { port };
});
