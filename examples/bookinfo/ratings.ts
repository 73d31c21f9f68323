/** Stars for each review: `node dist/examples/bookinfo/ratings.js RULES`. */
import { runService } from './service.js';

await runService(process.argv[2]!, async () => '5,4');
