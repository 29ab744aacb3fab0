import { describe, expect, it } from 'vitest';
import { conditionClause, conditionSentence, type Speaker } from '../../src/lib/condition-sentence';
import { firstLeaf, fromDraft, groupItem, isTree, kindOf, leafIsReady, LEAF_KINDS, negate, readyTree, testItem, toDraft, unfinished, withGroup, withItem, type Leaf, type Tree } from '../../src/lib/condition-tree';
import { lineDiff, offsetOf, readSpot, textLines } from '../../src/lib/condition-text';
import { en } from '../../src/lib/i18n/en';
import { zh } from '../../src/lib/i18n/zh';
import { fill } from '../../src/lib/i18n/fill';
import type { Key } from '../../src/lib/i18n/index.svelte';
import { parametersIn } from '../../src/lib/parameters';
import { largestOverlap, overlapOf, readKeys } from '../../src/lib/overlap';
import { everyDay } from '../../src/lib/segment-days';
import { templates } from '../fixtures/templates.mjs';

const ORDER = 'Order Completed';
const TEMPLATES: Record<string, Tree> = Object.fromEntries(templates().rows.map((row) => [row.key, row.condition as Tree]));
const price = { property: { path: 'price', op: 'at_least' as const, value: 20 } };
const leaves: Leaf[] = [
	{ performed: { event: ORDER } },
	{ performed: { event: ORDER, times: { exactly: 0 }, within: { first: '7d' }, where: { all: [price, { not: { property: { path: 'coupon', op: 'exists' } } }] } } },
	{ performed: { event: ORDER, which: 'first', having: price, within: { from: '2026-01-01' } } },
	{ performed: { event: ORDER, times: { between: [2, 3] }, within: { from: '2026-01-01', to: '2026-02-01T10:00:00Z' } } },
	{ measured: { measure: 'sum', path: 'revenue', event: ORDER, within: { last: '365d' }, op: 'at_least', value: 500 } },
	{ measured: { measure: 'days', event: '*', within: { last: '7d' }, op: 'between', values: [3, 5] } },
	{ sequence: { steps: [{ event: 'Checkout Started' }], without: { event: ORDER, within: '1h' }, within: { last: '7d' } } },
	{ sequence: { steps: [{ event: 'A', where: price }, { event: 'B' }], spanning: '7d', same: 'order_id' } },
	{ overdue: { event: ORDER, factor: '1.5', gaps: 3 } },
	{ streak: { event: ORDER, interval: 'week', at_least: 3 } },
	{ fact: { key: 'trait.country', op: 'in', values: ['DE', 'AT'] } },
	{ fact: { key: 'trait.birthday', op: 'in_next', value: '14d' } },
	{ held: { key: 'trait.plan', op: 'equals', value: 'gold', for: '30d' } },
	{ changed: { key: 'trait.plan', from: 'gold', to: false, within: { last: '30d' } } },
	{ segment: { key: 'employees', for: '45s' } },
	{ bucket: { salt: 'autumn', from: 0, to: 12.5 } },
	// A kind that this console does not know yet.
	{ scored: { model: 'churn', at_least: 0.7 } } as unknown as Leaf
];
const trees: Tree[] = [
	...leaves,
	{ all: [] },
	{ all: [leaves[0]] },
	{ any: [leaves[0], { all: [leaves[4], { not: { any: [leaves[10], leaves[14]] } }] }, { not: { not: leaves[6] } }] },
	{ not: { all: [leaves[0], leaves[1]] } },
	{ not: leaves[12] },
	{ performed: { event: ORDER, times: { at_least: { parameter: 'least' } }, within: { last: { parameter: 'window' } } }, with: { least: 3, window: '90d' } } as unknown as Tree,
	{ all: [leaves[0], { fact: { key: 'trait.plan', op: 'equals', value: { parameter: 'plan' } } }], with: { plan: 'pro' } } as unknown as Tree,
	...Object.values(TEMPLATES)
];

describe('the draft of a condition', () => {
	it('gives every tree back as it was', () => {
		for (const tree of trees) expect(fromDraft(toDraft(tree))).toEqual(tree);
		expect(fromDraft(toDraft(null))).toBeNull();
	});
	it('changes a value by its name, and says the sentence with it', () => {
		const tree = { any: [{ performed: { event: ORDER, times: { at_least: { parameter: 'least' } } } }, leaves[4]], with: { least: 3 } } as unknown as Tree;
		expect(isTree(tree)).toBe(true);
		expect(isTree({ all: [tree] })).toBe(false);
		const draft = { ...toDraft(tree), parameters: { least: 5 } };
		expect(unfinished(draft.group)).toBe(0);
		expect(readyTree(draft)).toEqual({ ...tree, with: { least: 5 } });
		expect(conditionSentence(fromDraft(draft), english)).toContain('at least 5 times');
		expect(parametersIn(tree)).toEqual(['least']);
		// The last row that used it took the name with it.
		expect(fromDraft(withGroup(draft, withItem(draft.group, 0, null)))).toEqual({ any: [leaves[4]] });
	});
	it('keeps what is beside the row that was changed', () => {
		const draft = toDraft({ all: leaves });
		const changed = withGroup(draft, withItem(draft.group, 3, { ...testItem(leaves[9]), id: 1 }));
		expect(fromDraft(changed)).toEqual({ all: leaves.map((leaf, i) => (i === 3 ? leaves[9] : leaf)) });
	});
	it('becomes a group when a second row comes, and nothing when the last one goes', () => {
		const one = toDraft(leaves[0]);
		expect(fromDraft(withGroup(one, { ...one.group, items: [...one.group.items, testItem(leaves[4])] }))).toEqual({ all: [leaves[0], leaves[4]] });
		const group = toDraft({ all: [leaves[0]] });
		expect(fromDraft(withGroup(group, withItem(group.group, 0, null)))).toBeNull();
	});
	it('turns round and back', () => {
		const item = testItem(leaves[0]);
		expect(negate(negate(item))).toEqual(item);
		expect(negate(groupItem('any', [])).nots).toBe(1);
	});
	it('begins every kind with a test, and carries the event or the fact over', () => {
		for (const kind of LEAF_KINDS) expect(kindOf(firstLeaf(kind))).toBe(kind);
		expect(firstLeaf('streak', { performed: { event: 'A', where: price } })).toMatchObject({ streak: { event: 'A', where: price } });
		expect(firstLeaf('held', { fact: { key: 'trait.plan', op: 'exists' } })).toMatchObject({ held: { key: 'trait.plan' } });
		expect(firstLeaf('fact', { segment: { key: 'employees' } })).toEqual({ fact: { key: '', op: 'equals' } });
	});
});

describe('what is not filled in', () => {
	it('is counted and left out of the estimate', () => {
		const draft = toDraft({ all: [leaves[0], { fact: { key: '', op: 'equals' } }] });
		expect(unfinished(draft.group)).toBe(1);
		expect(readyTree(draft)).toEqual({ all: [leaves[0]] });
		expect(readyTree(toDraft(firstLeaf('fact')))).toBeNull();
		expect(readyTree(toDraft(null))).toBeNull();
	});
	it('leaves whole what is ready', () => {
		for (const tree of trees) expect(readyTree(toDraft(tree))).toEqual(tree);
		expect(leafIsReady(firstLeaf('sequence'))).toBe(false);
	});
});

describe('a tree from an address', () => {
	it('is not trusted', () => {
		for (const tree of trees) expect(isTree(tree)).toBe(true);
		for (const value of [null, 1, 'x', [], {}, { all: 1 }, { not: [] }, { any: [{}] }, { fact: null }, { sequence: {} }, { fact: {}, not: {} }]) expect(isTree(value)).toBe(false);
	});
});

const speaker = (words: Record<string, string>, locale: string, gap: string): Speaker => ({
	t: (key, params = {}) => fill(words[key], params, locale),
	has: (key): key is Key => key in words,
	number: (value) => new Intl.NumberFormat(locale).format(value),
	date: (iso) => iso.slice(0, 10),
	segment: (key) => (key === 'employees' ? 'Employees' : key),
	list: (key) => key,
	gap
});
const english = speaker(en, 'en', ' ');
const chinese = speaker(zh, 'zh', '');

describe('the sentence', () => {
	const say = (tree: Tree | null) => conditionSentence(tree, english);
	it('reads like one', () => {
		expect(say({ all: [{ performed: { event: ORDER, times: { at_least: 3 }, within: { last: '90d' }, where: { property: { path: 'revenue', op: 'at_least', value: 50 } } } }, leaves[10], { not: { segment: { key: 'employees' } } }] })).toBe(
			'Customers who did “Order Completed” at least 3 times in the last 90 days where revenue is at least 50, whose country is one of DE, AT, and who are not in the segment “Employees”.'
		);
		expect(say(leaves[4])).toBe('Customers whose total revenue of “Order Completed” is at least 500 in the last 365 days.');
		expect(say(leaves[6])).toBe('Customers who did “Checkout Started”, and then not “Order Completed” within 1 hour in the last 7 days.');
		expect(say(leaves[8])).toBe('Customers whose latest “Order Completed” is longer ago than 1.5 times their own usual gap, once 3 gaps are known.');
		expect(say(TEMPLATES.new_customers)).toBe('Customers whose first “Order Completed” was in the last 30 days.');
		expect(say(TEMPLATES.browsers)).toBe('Customers who did “Product Viewed” at least 3 times in the last 30 days and who did not do “Order Completed”.');
	});
	it('has words for groups, their opposites, everyone and nothing', () => {
		expect(say({ any: [leaves[0], { all: [leaves[9], leaves[10]] }] })).toBe('Customers who did “Order Completed” or (who did “Order Completed” in at least 3 weeks in a row and whose country is one of DE, AT).');
		expect(say({ not: leaves[10] })).toBe('Customers who are not among those whose country is one of DE, AT.');
		expect(say({ not: { not: leaves[10] } })).toBe(say(leaves[10]));
		expect(say({ all: [] })).toBe('Everyone.');
		expect(say(null)).toBe('Nobody yet: add a condition.');
	});
	it('leaves no gap open and no word unsaid, in both languages', () => {
		for (const tree of trees) {
			for (const one of [conditionSentence(tree, english), conditionSentence(tree, chinese), conditionClause(tree, english)]) {
				expect(one).not.toMatch(/undefined|\{\w+\}| {2}|\[object/);
			}
		}
	});
	it('is there in Chinese', () => {
		expect(conditionSentence(leaves[10], chinese)).toBe('国家属于 DE，AT的客户。');
		expect(conditionSentence({ all: [TEMPLATES.frequent, { not: { segment: { key: 'employees' } } }] }, chinese)).toBe('做过“Order Completed”至少 4 次且不属于分群“Employees”的客户。');
	});
});

describe('the text form', () => {
	it('shows where an error is', () => {
		expect(readSpot('line 2, column 3: found x, expected y')).toEqual({ spot: { line: 2, column: 3 }, words: 'found x, expected y' });
		expect(readSpot('all[1].performed: no').spot).toBeNull();
		expect(offsetOf('ab\ncd', { line: 2, column: 2 })).toBe(4);
		// A column counts letters, also those of two units.
		expect(offsetOf('𝒳𝒳z', { line: 1, column: 3 })).toBe(4);
		expect(offsetOf('ab', { line: 9, column: 9 })).toBe(2);
	});
	it('is broken into its parts', () => {
		expect(textLines('performed "A and B" between 1 and 5 times and (trait x = 1 or trait y exists) and not in segment z')).toEqual(['performed "A and B" between 1 and 5 times', 'and (trait x = 1', '\tor trait y exists)', 'and not in segment z']);
		expect(textLines('')).toEqual([]);
	});
	it('is compared line by line', () => {
		expect(lineDiff(['a', 'b', 'c'], ['a', 'x', 'c', 'd'])).toEqual([
			{ change: 'same', text: 'a' }, { change: 'removed', text: 'b' }, { change: 'added', text: 'x' }, { change: 'same', text: 'c' }, { change: 'added', text: 'd' }
		]);
		expect(lineDiff([], ['a'])).toEqual([{ change: 'added', text: 'a' }]);
		expect(lineDiff(['a'], [])).toEqual([{ change: 'removed', text: 'a' }]);
	});
});

describe('days', () => {
	it('are all there, each as the one before where nothing happened', () => {
		const now = Date.parse('2026-11-04T08:00:00Z');
		const days = everyDay([{ day: '2026-11-01', entered: 3, exited: 0, size: 3 }, { day: '2026-11-03', entered: 0, exited: 1, size: 2 }], now);
		expect(days.map(({ day, size, entered }) => [day, size, entered])).toEqual([['2026-11-01', 3, 3], ['2026-11-02', 3, 0], ['2026-11-03', 2, 0], ['2026-11-04', 2, 0]]);
		expect(everyDay([], now)).toEqual([]);
	});
	it('reach back a year at most, with the size of then', () => {
		const days = everyDay([{ day: '2020-01-01', entered: 5, exited: 0, size: 5 }], Date.parse('2026-11-04T08:00:00Z'));
		expect(days).toHaveLength(366);
		expect(days[0].size).toBe(5);
	});
});

describe('overlap', () => {
	it('is a square, whichever way round the server names a pair', () => {
		const table = overlapOf([{ one: 'a', other: 'a', people: 9 }, { one: 'a', other: 'b', people: 4 }, { one: 'b', other: 'b', people: 5 }], ['b', 'a']);
		expect(table).toEqual([[5, 4], [4, 9]]);
		expect(largestOverlap(table)).toEqual({ row: 0, column: 1, people: 4 });
		expect(largestOverlap([[5, 0], [0, 9]])).toBeNull();
	});
	it('takes eight keys at most', () => {
		expect(readKeys('a,b,a,,c')).toEqual(['a', 'b', 'c']);
		expect(readKeys('a,b,c,d,e,f,g,h,i')).toHaveLength(8);
		expect(readKeys(null)).toEqual([]);
	});
});
