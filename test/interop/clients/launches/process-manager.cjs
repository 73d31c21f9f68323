/**
 * As pm2 starts an app in fork mode: by a process that has no options of the app's, in a container that loads the app as its
 * main module.
 */
const { spawn } = require('node:child_process');
const { join } = require('node:path');

const container = "process.argv[1] = process.env.APP; require('node:module')._load(process.env.APP, null, true);";
const { APP_NODE_OPTIONS = '' } = process.env;
const env = { ...process.env, NODE_OPTIONS: APP_NODE_OPTIONS, APP: join(__dirname, 'app.cjs') };
const app = spawn(process.execPath, ['-e', container], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
app.once('exit', (status) => {
  console.log(status);
});
