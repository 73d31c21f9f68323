import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '../..');
const pages = [root, join(root, 'docs')].flatMap((folder) =>
  readdirSync(folder, { recursive: folder !== root, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => relative(root, join(folder, name))),
);

/** As GitHub makes them. */
function anchors(page: string): readonly string[] {
  const headings = readFileSync(page, 'utf8').matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text]) =>
    text!
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function links(page: string): readonly string[] {
  const prose = readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

test.each(pages)('%s links to what is there', (page) => {
  const broken = links(page)
    .filter((target) => !/^https?:/.test(target))
    .filter((target) => {
      const [path, anchor] = target.split('#');
      const file = path === '' ? join(root, page) : join(root, dirname(page), path!);
      return !existsSync(file) || (anchor !== undefined && !anchors(file).includes(anchor));
    });
  expect(broken).toEqual([]);
});

test('every page of docs is in its index', () => {
  const named = links('docs/README.md').map((target) => join('docs', target));
  expect(
    pages.filter((page) => page.startsWith('docs/') && page !== 'docs/README.md').filter((it) => !named.includes(it)),
  ).toEqual([]);
  expect(pages.length).toBeGreaterThan(8);
});
