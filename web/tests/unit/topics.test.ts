import { describe, expect, it } from 'vitest';
import { DEEPEST, indented, inOrder, keptFor, keyFor, mergeable, places, put, withBelow, without, wordsOf, type Topic } from '../../src/lib/topics';

const topic = (key: string, parent: string | null = null): Topic => ({ key, parent, name: { en: key }, words: [], is_retired: false, merged: [] });
const tree = [topic('c', 'b'), topic('a'), topic('b', 'a'), topic('x'), topic('d', 'c')];
const keys = (rows: { topic: Topic }[]) => rows.map((it) => it.topic.key);

/** How deep the server would say that a topic stands; more than it allows where it stands above itself. */
function depth(topics: Topic[], key: string): number {
	let steps = 0;
	for (let at: string | null | undefined = key; at && steps <= DEEPEST; steps++) at = topics.find((it) => it.key === at)?.parent;
	return steps;
}

describe('the tree of topics', () => {
	it('is shown with each below the one above it, in whatever order it is kept', () => {
		expect(inOrder(tree).map((it) => [it.topic.key, it.depth])).toEqual([['a', 0], ['b', 1], ['c', 2], ['d', 3], ['x', 0]]);
		expect(inOrder([topic('lost', 'gone')])).toHaveLength(1);
		expect(withBelow(tree, 'b')).toEqual(new Set(['b', 'c', 'd']));
	});
	it('offers them to choose from, each as far in as it stands', () => {
		expect(indented(tree, (it) => it.key.toUpperCase()).map((it) => it.label)).toEqual(['A', '\u2003B', '\u2003\u2003C', '\u2003\u2003\u2003D', 'X']);
	});
	it('knows which of them a theme that was found speaks of', () => {
		const some = [{ ...topic('delivery'), words: ['Delivery', 'never arrived'] }, { ...topic('old'), words: ['delivery'], is_retired: true }, { ...topic('price'), words: ['price'] }];
		expect(keptFor(['delivery', 'late'], some).map((it) => it.key)).toEqual(['delivery']);
		expect(keptFor(['arrived'], some)).toEqual([]);
	});
	it('offers as places exactly those that the server takes', () => {
		for (const key of [...keys(inOrder(tree)), 'new']) {
			const taken = tree.filter(({ key: parent }) => {
				const moved = put(tree, { ...(tree.find((it) => it.key === key) ?? topic(key)), parent });
				return moved.every((it) => depth(moved, it.key) <= DEEPEST);
			});
			expect(new Set(keys(places(tree, key))), key).toEqual(new Set(taken.map((it) => it.key)));
		}
	});
	it('offers to merge a topic into what does not stand below it and is not retired', () => {
		expect(mergeable([...tree, { ...topic('old'), is_retired: true }], 'b').map((it) => it.key)).toEqual(['a', 'x']);
		expect(keyFor('Old name', [{ ...topic('a'), merged: ['old_name'] }])).not.toBe('old_name');
	});
	it('keeps what stood below a topic that is removed', () => {
		const left = without(tree, 'b');
		expect(left.map((it) => it.key)).toEqual(['c', 'a', 'x', 'd']);
		expect(left.find((it) => it.key === 'c')?.parent).toBe('a');
		expect(without(tree, 'a').find((it) => it.key === 'b')?.parent).toBeNull();
	});
	it('changes a topic where it stands and adds a new one at the end', () => {
		expect(put(tree, { ...topic('a'), words: ['w'] }).map((it) => it.words.length)).toEqual([0, 1, 0, 0, 0]);
		expect(put(tree, topic('new')).at(-1)?.key).toBe('new');
	});
});

describe('a new topic', () => {
	it('is known by its name, as the server takes keys, and never by one that is there', () => {
		expect(keyFor('Größe & Fit', [])).toBe('gro_e_fit');
		expect(keyFor('配送', [])).toBe('topic');
		expect(keyFor('A', tree)).toBe('a_2');
		expect(keyFor('A', [...tree, topic('a_2')])).toBe('a_3');
		for (const name of ['', '  ', 'é'.repeat(80), 'x'.repeat(80)]) expect(keyFor(name, [])).toMatch(/^[a-z0-9_]{1,40}$/);
	});
	it('has words by commas of any script or lines, each once', () => expect(wordsOf(' late, too late，很慢、\nlate;; ')).toEqual(['late', 'too late', '很慢']));
});
