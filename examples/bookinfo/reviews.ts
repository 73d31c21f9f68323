/**
 * What readers say: `node dist/examples/bookinfo/reviews.js RULES VERSION`. v1 knows no stars, v2 asks ratings and shows
 * black ones, v3 red ones.
 */
import { ask, COMMAND, runService } from './service.js';

const [, , rules, version] = process.argv;
const star = { v2: '★', v3: '♥' }[version!];
const texts = ['An extremely entertaining play.', 'Absolutely fun, thanks.'];

await runService(rules!, async (request, mesh) => {
  if (star === undefined) return `${version}: ${texts.join(' | ')}`;
  const ratings = await ask(mesh, 'ratings.bookinfo', COMMAND.ratings, request.get('user') ?? '');
  const stars = ratings.split(',').map((rating) => star.repeat(Number(rating)));
  return `${version}: ${texts.map((text, i) => `${text} ${stars[i]}`).join(' | ')}`;
});
