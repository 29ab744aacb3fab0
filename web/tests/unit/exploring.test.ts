import { describe, expect, it } from 'vitest';
import type { Figure, FlowLink, TraitRow, ValueMonth, WhyPart } from '../../src/lib/api/segments';
import { colours, sankeyOptions } from '../../src/lib/components/chart/sankeyOptions';
import { conditionClause, type Speaker } from '../../src/lib/condition-sentence';
import { firstLeaf, kindOf, LEAF_KINDS, leafIsReady, listKey, listLeaf, type Leaf, type Tree } from '../../src/lib/condition-tree';
import { ends, flowSums, readEnd, sankeyData, sortedLinks, writeEnd } from '../../src/lib/flows';
import { en } from '../../src/lib/i18n/en';
import { portraits } from '../../src/lib/i18n/en/portraits';
import { templates } from '../../src/lib/i18n/en/templates';
import { zh } from '../../src/lib/i18n/zh';
import { portraits as zhPortraits } from '../../src/lib/i18n/zh/portraits';
import { fill } from '../../src/lib/i18n/fill';
import type { Key } from '../../src/lib/i18n/index.svelte';
import { pasted } from '../../src/lib/pasted';
import { byCategory, templateText, type TemplateWords } from '../../src/lib/segment-templates';
import { place, reach, traitCondition, traitName } from '../../src/lib/traits';
import { exactly, upsetColumns } from '../../src/lib/upset';
import { figureText, testsByText, wanted } from '../../src/lib/why';
import { lastWhole, monthStart, numbers } from '../../src/lib/worth';

const ORDER = 'Order Completed';
const speaker = (words: Record<string, string>, locale: string, gap: string): Speaker => ({
	t: (key, params = {}) => fill(words[key], params, locale),
	has: (key): key is Key => key in words,
	number: (value) => new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(value),
	date: (iso) => iso.slice(0, 10),
	segment: (key) => key,
	list: (key) => (key === 'vip' ? 'Guests' : key),
	gap
});
const english = speaker({ ...en, ...templates, ...portraits }, 'en', ' ');
const chinese = speaker({ ...zh, ...zhPortraits }, 'zh', '');

describe('what a test finds, in words', () => {
	const say = (figure: Figure, leaf: Leaf | null = null, words = english) => figureText(figure, leaf, words);
	const count = (value: number): Figure => ({ kind: 'count', value });
	it('counts what the test counts', () => {
		expect(say(count(2), { performed: { event: ORDER } })).toBe('2 times');
		expect(say(count(1), { performed: { event: ORDER } })).toBe('1 time');
		expect(say({ kind: 'count', value: null }, { performed: { event: ORDER } })).toBe('0 times');
		expect(say(count(4), { measured: { measure: 'days', event: '*', within: { last: '7d' }, op: 'at_least', value: 5 } })).toBe('4 of 7 days');
		expect(say(count(4), { measured: { measure: 'days', event: '*', within: { last: '2w' }, op: 'at_least', value: 5 } })).toBe('4 of 14 days');
		expect(say(count(4), { measured: { measure: 'days', event: '*', op: 'at_least', value: 5 } })).toBe('4 days');
		expect(say(count(3), { measured: { measure: 'distinct', path: 'feature', event: 'Used', op: 'at_least', value: 5 } })).toBe('3 different values');
		expect(say(count(1), { sequence: { steps: [{ event: 'A' }, { event: 'B' }], spanning: '7d' } })).toBe('1 of 2 steps');
		expect(say(count(2), { streak: { event: ORDER, interval: 'week', at_least: 3 } })).toBe('2 weeks in a row');
		expect(say(count(12))).toBe('12');
	});
	it('says amounts, values, moments and places', () => {
		expect(say({ kind: 'amount', value: 1234.5 })).toBe('1,234.5');
		expect(say({ kind: 'value', value: 'DE' })).toBe('DE');
		expect(say({ kind: 'value', value: null })).toBe('not known');
		expect(say({ kind: 'value', value: true })).toBe('yes');
		expect(say({ kind: 'value', value: true }, listLeaf('vip'))).toBe('in the list');
		expect(say({ kind: 'value', value: '2026-03-03' })).toBe('2026-03-03');
		expect(say({ kind: 'at', value: '2026-03-03T10:00:00Z' }, { segment: { key: 'vip' } })).toBe('since 2026-03-03');
		expect(say({ kind: 'at', value: '2026-03-03T10:00:00Z' })).toBe('on 2026-03-03');
		expect(say({ kind: 'at', value: null })).toBe('never');
		expect(say({ kind: 'place', value: 12.3 })).toBe('at 12.3 per cent');
	});
	it('says how much of a time has passed, in its own unit', () => {
		const day = 86_400;
		expect(say({ kind: 'passed', value: 4.6 * day, needed: 7 * day })).toBe('4 of 7 days');
		expect(say({ kind: 'passed', value: 40 * 60, needed: 60 * 60 })).toBe('40 of 60 minutes');
		expect(say({ kind: 'passed', value: 9 * day, needed: 7 * day })).toBe('9 days have passed, 7 days are needed');
		expect(say({ kind: 'passed', value: null, needed: 7 * day })).toBe('0 of 7 days');
		expect(say({ kind: 'passed', value: 3 * day })).toBe('3 days');
	});
	it('is there in Chinese', () => {
		expect(say(count(2), { performed: { event: ORDER } }, chinese)).toBe('2 次');
		expect(say({ kind: 'passed', value: 4 * 86_400, needed: 7 * 86_400 }, null, chinese)).toBe('4 / 7 天');
	});
});

describe('the reasons', () => {
	const part = (text: string, holds: boolean, parts: WhyPart[] = [], kind: WhyPart['kind'] = 'test'): WhyPart => ({ text, kind, holds, parts });
	const staff: Leaf = { segment: { key: 'employees' } };
	const tree: Tree = { all: [{ performed: { event: ORDER } }, { not: staff }] };
	const why = part('both', false, [part('performed', false), part('not in', false, [part('in segment employees', true)], 'not')], 'all');
	it('find the test behind each text', () => {
		const tests = testsByText(why, tree);
		expect([...tests.keys()]).toEqual(['performed', 'in segment employees']);
		expect(tests.get('in segment employees')).toEqual(staff);
		expect(testsByText(why, null).size).toBe(0);
	});
	it('turn round what holds and must not', () => {
		expect(wanted(part('x', true), staff)).toEqual({ not: staff });
		expect(wanted(part('x', false), staff)).toEqual(staff);
	});
});

describe('what sets members apart', () => {
	const row = (more: Partial<TraitRow>): TraitRow => ({ kind: 'fact', key: 'trait.country', value: 'AT', members_with: 1, members_share: 0.2, others_with: 1, others_share: 0.1, lift: 2, lift_low: 1.5, lift_high: 3, p: 0.01, q: 0.02, distinct: true, ...more });
	it('has a name in words', () => {
		expect(traitName(row({}), english)).toBe('Country: AT');
		expect(traitName(row({ key: 'rfm.group', value: 'at_risk' }), english)).toBe('RFM group: At risk');
		expect(traitName(row({ key: 'lifecycle.stage', value: 'won_back' }), chinese)).toBe('生命周期阶段:已赢回');
		expect(traitName(row({ key: 'trait.beta_tester', value: true }), english)).toBe('Beta tester: yes');
		expect(traitName(row({ key: 'trait.orders', value: '>= 42' }), english)).toBe('Orders: at least 42');
		expect(traitName(row({ key: 'trait.beta_tester', value: 'false' }), english)).toBe('Beta tester: no');
		expect(traitName(row({ value: null }), english)).toBe('Country is known');
		expect(traitName(row({ kind: 'did', key: 'Review Submitted', value: null }), english)).toBe('Did “Review Submitted”');
	});
	it('leads to the people behind it', () => {
		expect(traitCondition('vip', row({}))).toEqual({ all: [{ segment: { key: 'vip' } }, { fact: { key: 'trait.country', op: 'equals', value: 'AT' } }] });
		const test = (value: string, type?: 'text' | 'number') => (traitCondition('vip', row({ value }), type) as { all: Tree[] }).all[1];
		expect(test('>= 4.5')).toEqual({ fact: { key: 'trait.country', op: 'at_least', value: 4.5 } });
		expect(test('true')).toEqual({ fact: { key: 'trait.country', op: 'is_true' } });
		expect(test('42')).toEqual({ fact: { key: 'trait.country', op: 'equals', value: 42 } });
		expect(test('42', 'text')).toEqual({ fact: { key: 'trait.country', op: 'equals', value: '42' } });
		expect(test('007')).toEqual({ fact: { key: 'trait.country', op: 'equals', value: '007' } });
		expect(traitCondition('vip', row({ kind: 'did', key: 'A', value: null }))).toEqual({ all: [{ segment: { key: 'vip' } }, { performed: { event: 'A' } }] });
	});
	it('lies in the middle when it is as often, and as far from it for twice as for half', () => {
		expect(place(1, 4)).toBe(0.5);
		expect(place(2, 4)).toBeCloseTo(0.75);
		expect(place(0.5, 4)).toBeCloseTo(0.25);
		expect([place(null, 4), place(100, 4), place(0, 4)]).toEqual([1, 1, 0]);
	});
	it('reaches as far as what is shown, within bounds', () => {
		expect(reach([row({})])).toBe(3);
		expect(reach([row({ lift: 0.2, lift_low: 0.125, lift_high: 0.4 })])).toBe(8);
		expect(reach([row({ lift: 40, lift_high: 90 })])).toBe(10);
		expect(reach([row({ lift: null, lift_low: null, lift_high: null })])).toBe(2);
	});
});

describe('an UpSet picture', () => {
	const rows = [{ keys: ['b'], people: 5 }, { keys: ['c', 'a'], people: 20 }, { keys: ['a'], people: 0 }, { keys: ['gone'], people: 9 }];
	it('has a column for each intersection with people, the largest first', () => {
		const { columns, left } = upsetColumns(rows, ['a', 'b', 'c']);
		expect(columns).toEqual([
			{ keys: ['a', 'c'], people: 20, height: 1, dots: [true, false, true], from: 0, to: 2 },
			{ keys: ['b'], people: 5, height: 0.25, dots: [false, true, false], from: 1, to: 1 }
		]);
		expect(left).toBe(0);
		expect(upsetColumns(rows, ['a', 'b', 'c'], 1)).toMatchObject({ left: 1 });
		expect(upsetColumns([], ['a']).columns).toEqual([]);
	});
	it('leads to exactly these people', () => {
		expect(exactly(['a', 'b'], ['a', 'b', 'c'])).toEqual({ all: [{ segment: { key: 'a' } }, { segment: { key: 'b' } }, { not: { segment: { key: 'c' } } }] });
		expect(exactly(['c'], ['a', 'c'])).toEqual({ all: [{ segment: { key: 'c' } }, { not: { segment: { key: 'a' } } }] });
		expect(exactly(['a'], ['a'])).toEqual({ segment: { key: 'a' } });
	});
});

describe('flows', () => {
	const links: FlowLink[] = [{ was: 'loyal', is: 'loyal', people: 50 }, { was: null, is: 'aware', people: 3 }, { was: 'loyal', is: 'lost', people: 7 }, { was: 'lost', is: 'loyal', people: 0 }, { was: 'new', is: 'loyal', people: 2 }];
	const data = sankeyData({ values: ['aware', 'loyal', 'lost'], links });
	it('have nodes in the order of the vocabulary at both ends, without empty ones', () => {
		expect(data.nodes.map(({ name, people }) => [name, people])).toEqual([['was:loyal', 57], ['was:new', 2], ['was:', 3], ['is:aware', 3], ['is:loyal', 52], ['is:lost', 7]]);
		expect(data.links.map(({ source, target, value }) => [source, target, value])).toContainEqual(['was:', 'is:aware', 3]);
		expect(data.links).toHaveLength(4);
	});
	it('say who moved', () => {
		expect(sortedLinks(links).map((link) => link.people)).toEqual([7, 3, 2, 50]);
		expect(flowSums(links)).toEqual({ people: 62, moved: 12, largest: links[2] });
		expect(flowSums([links[0]]).largest).toBeNull();
	});
	it('keep the colour of a value at both ends, and text from outside harmless', () => {
		const palette = { series: ['red', 'blue'], text: [], ink: '', ink3: '', grid: '', line: 'grey', surface: '', font: '' };
		const colour = colours(data, palette);
		expect(colour.get(null)).toBe('grey');
		const options = sankeyOptions(data, palette, { name: (value) => value ?? '?', number: String, flow: (was, is) => `${was}<b>${is}`, narrow: false }, 'x') as { tooltip: { formatter: (at: unknown) => string }; series: { data: { itemStyle: { color: string } }[] }[] };
		expect(options.series[0].data[0].itemStyle.color).toBe(options.series[0].data[4].itemStyle.color);
		expect(options.tooltip.formatter({ data: { link: links[2] } })).toBe('loyal&lt;b&gt;lost');
	});
	it('have two moments', () => {
		const now = Date.parse('2026-11-21T12:00:00Z');
		expect(ends({ last: '7d' }, now)).toEqual({ from: '2026-11-14T12:00:00.000Z', to: '2026-11-21T12:00:00.000Z' });
		expect(ends({ from: '2026-10-01', to: '2026-10-31' }, now)).toEqual({ from: '2026-10-01T00:00:00.000Z', to: '2026-11-01T00:00:00.000Z' });
		expect(ends({ from: '', to: '' }, now).from).toBe('2026-10-22T12:00:00.000Z');
		expect(readEnd(writeEnd(null))).toBeNull();
		expect(readEnd(writeEnd('lost'))).toBe('lost');
	});
});

describe('templates', () => {
	const words: TemplateWords = { t: english.t, has: english.has, threshold: (name, value) => (name === 'spent' ? `€${value}` : value) };
	const row = (key: string, thresholds = {}, category = 'purchase') => ({ key, category, condition: { all: [] }, text: 'as text', thresholds });
	it('state their thresholds', () => {
		expect(templateText(row('high_value', { spent: 500 }), words)).toEqual({ name: 'High value', about: 'Have spent at least €500: the top tenth of those who ordered.' });
	});
	it('share the words of their family', () => {
		expect(templateText(row('paid_by_gift_card', { method: 'gift card' }), words).name).toBe('Pay by gift card');
		expect(templateText(row('country_de', { country: 'Germany' }), words).about).toBe('Their country is Germany.');
	});
	it('show their text where they are newer than the console', () => {
		expect(templateText(row('asked_a_lot'), words)).toEqual({ name: 'Asked a lot', about: 'as text' });
	});
	it('come by category, unknown ones last', () => {
		const groups = byCategory([row('a', {}, 'brand_new'), row('b', {}, 'people'), row('c', {}, 'purchase'), row('d', {}, 'people')]);
		expect(groups.map((group) => [group.category, group.rows.length])).toEqual([['purchase', 1], ['people', 2], ['brand_new', 1]]);
	});
});

describe('lists', () => {
	it('are a kind of their own in the builder', () => {
		for (const kind of LEAF_KINDS) expect(kindOf(firstLeaf(kind))).toBe(kind);
		expect(kindOf({ fact: { key: 'list.vip', op: 'is_false' } })).toBe('fact');
		expect(leafIsReady(listLeaf(''))).toBe(false);
		expect(leafIsReady(listLeaf('vip'))).toBe(true);
		expect(listKey('list.vip')).toBe('vip');
		expect(firstLeaf('fact', listLeaf('vip'))).toEqual({ fact: { key: '', op: 'equals' } });
	});
	it('are said in words', () => {
		expect(conditionClause(listLeaf('vip'), english)).toBe('who are in the list “Guests”');
		expect(conditionClause({ not: listLeaf('vip') }, english)).toBe('who are not in the list “Guests”');
		expect(conditionClause(listLeaf('vip'), chinese)).toBe('在名单“Guests”中');
	});
	it('take what is pasted', () => {
		expect(pasted(' a@example.com, "10482"\r\n\nHanna <h@example.se>;a@example.com\t7')).toEqual(['a@example.com', '10482', 'h@example.se', '7']);
		expect(pasted(' \n, ')).toEqual([]);
	});
});

describe('worth by month', () => {
	const month = (month: string, complete: boolean, members: number): ValueMonth => ({ month, complete, members, orders: 1, revenue: '1', others_revenue: 1, per_member: '2.50', per_other: null, satisfaction: null, answers: 0 });
	it('takes the latest month that is over and had members', () => {
		expect(lastWhole([month('2026-09', true, 3), month('2026-10', true, 0), month('2026-11', false, 4)])?.month).toBe('2026-09');
		expect(lastWhole([month('2026-11', false, 4)])).toBeNull();
	});
	it('reads amounts as numbers', () => {
		expect(numbers(['2.50', 3, null])).toEqual([2.5, 3, null]);
		expect(monthStart('2026-11')).toBe('2026-11-02T12:00:00Z');
	});
});
