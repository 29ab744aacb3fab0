// What the page of the tiers reckons: thresholds within needs, a first ladder, what lacks of one, and the ways to people.
import { expect, test } from 'vitest';
import { benefitKey, benefitLacks, firstBenefit, firstLadder, hasRoom, lacks, segmentUrl, share, stepHeight, thresholds, tidied, whoMoved, withBenefit, withLadder, withThreshold, withTier, withoutBenefit, type Benefit, type Ladder, type Needs } from '../../src/lib/tiers';

const deep: Needs = { any: [{ measure: 'nights', at_least: 50 }, { all: [{ measure: 'spend', at_least: '5000' }, { measure: 'vip' }] }] };
const ladder = (): Ladder => firstLadder('Club', 'Spent', ['Bronze', 'Silver', 'Gold'], false);

test('each threshold of what a tier needs is changed at its own place, and nothing else', () => {
	expect(thresholds(deep).map((it) => it.measure)).toEqual(['nights', 'spend', 'vip']);
	expect(withThreshold(deep, 1, '6000')).toEqual({ any: [{ measure: 'nights', at_least: 50 }, { all: [{ measure: 'spend', at_least: '6000' }, { measure: 'vip' }] }] });
	expect(thresholds(deep)[1].at_least).toBe('5000');
	expect(thresholds({ all: [] })).toEqual([]);
});

test('the first ladder is one that can be saved: the lowest tier needs nothing, the others more and more', () => {
	expect(lacks(ladder())).toBe('');
	expect(ladder().tiers.map((it) => thresholds(it.needs).map((need) => need.at_least))).toEqual([[], ['250'], ['1000']]);
	expect(thresholds(firstLadder('C', 'S', ['1', '2', '3'], true).tiers[2].needs)[0].at_least).toBe('100000');
});

test('a ladder lacks names, numbers, or the order of its thresholds', () => {
	const change = (at: number, amount: string) => ({ ...ladder(), tiers: ladder().tiers.map((it, i) => (i === at ? { ...it, needs: withThreshold(it.needs!, 0, amount) } : it)) });
	expect(lacks({ ...ladder(), name: ' ' })).toBe('name');
	expect(lacks(change(1, '2,50'))).toBe('amount');
	expect(lacks(change(1, ''))).toBe('amount');
	expect(lacks(change(1, '1000'))).toBe('order');
	expect(lacks(change(1, '999.99'))).toBe('');
});

test('another tier comes on top with twice what the highest needs, and a key of its own', () => {
	const four = withTier(ladder(), 'Platinum');
	expect(four.tiers[3]).toEqual({ key: 'tier-4', name: 'Platinum', needs: { measure: 'spent', at_least: '2000' } });
	expect(withTier({ ...four, tiers: [four.tiers[0], four.tiers[3], four.tiers[2]] }, 'X').tiers[3].key).toBe('tier-5');
	expect(lacks(withTier(four, 'More'))).toBe('');
});

test('a ladder takes the place of the one with its key, and the others stay', () => {
	const other = { ...ladder(), key: 'staff' };
	const changed = { ...ladder(), name: 'Another' };
	expect(withLadder([ladder(), other], changed).map((it) => it.name)).toEqual(['Another', 'Club']);
	expect(withLadder([other], ladder()).map((it) => it.key)).toEqual(['staff', 'club']);
});

test('steps rise to the whole height, progress stays within its bar', () => {
	expect([0, 1, 2].map((at) => stepHeight(at, 3))).toEqual([22, 61, 100]);
	expect([share('50', '200'), share('300', '200'), share('-5', '10'), share('1', '0')]).toEqual([25, 100, 0, 100]);
});

test('who lost a tier is who came from it', () => {
	const condition = (moved: 'reached' | 'lost') => whoMoved('club', 'silver', moved, '2026-11-01').performed;
	expect(condition('reached')).toMatchObject({ event: 'Tier Reached', where: { all: [{ property: { path: 'ladder', value: 'club' } }, { property: { path: 'tier', value: 'silver' } }] }, within: { from: '2026-11-01' } });
	expect(condition('lost').where.all[1]).toEqual({ property: { path: 'from', op: 'equals', value: 'silver' } });
	expect(JSON.parse(decodeURIComponent(segmentUrl({ a: 1 }).split('=')[1]))).toEqual({ a: 1 });
});

const coffee: Benefit = { key: 'coffee', name: 'Coffee', kind: 'service', tiers: ['gold'], times: { most: 1, every: 'month' }, cost: '0.90' };

test('a benefit begins with the highest tier, and lacks a name', () => {
	const begun = firstBenefit(ladder());
	expect(begun.tiers).toEqual(['gold']);
	expect(benefitLacks(begun)).toBe('name');
	expect(benefitLacks({ ...begun, name: 'Coffee' })).toBe('');
});

test('a benefit lacks tiers, a whole number of uses, a cost that is a number, or the rest of its condition', () => {
	expect(benefitLacks(coffee)).toBe('');
	expect(benefitLacks({ ...coffee, tiers: [] })).toBe('tiers');
	for (const most of [0, 1.5, NaN, 4_294_967_296]) expect(benefitLacks({ ...coffee, times: { most, every: 'day' } })).toBe('times');
	for (const cost of ['x', '-1', '1.2345678']) expect(benefitLacks({ ...coffee, cost })).toBe('cost');
	for (const cost of [null, '', '0', 12.5]) expect(benefitLacks({ ...coffee, cost })).toBe('');
	expect(benefitLacks({ ...coffee, when: { all: [] } })).toBe('');
	expect(benefitLacks({ ...coffee, when: { any: [] } })).toBe('condition');
});

test('a new benefit gets a key that no benefit of any ladder has, from its kind where its name has no Latin letters', () => {
	const others = [withBenefit(ladder(), coffee), { ...withBenefit(ladder(), { ...coffee, key: 'coffee-2' }), key: 'staff' }];
	expect(benefitKey({ ...coffee, name: 'Coffee' }, others)).toBe('coffee-3');
	expect(benefitKey({ ...coffee, name: 'Café à gogo' }, others)).toBe('cafe-a-gogo');
	expect(benefitKey({ ...coffee, name: '咖啡', kind: 'early_access' }, others)).toBe('early_access');
});

test('a benefit is sent with its name on one line, its tiers from the bottom, and no cost where none is written', () => {
	expect(tidied({ ...coffee, name: '  A \n coffee ', tiers: ['gold', 'gone', 'silver'], cost: '' }, ladder())).toMatchObject({ name: 'A coffee', tiers: ['silver', 'gold'], cost: null, words: '' });
});

test('a benefit takes the place of the one with its key, is added, and is removed; a ladder has at most fifty', () => {
	const two = withBenefit(withBenefit(ladder(), coffee), { ...coffee, key: 'tea' });
	expect(withBenefit(two, { ...coffee, name: 'Espresso' }).benefits?.map((it) => it.name)).toEqual(['Espresso', 'Coffee']);
	expect(withoutBenefit(two, 'coffee').benefits?.map((it) => it.key)).toEqual(['tea']);
	expect(hasRoom({ ...two, benefits: Array.from({ length: 49 }, () => coffee) })).toBe(true);
	expect(hasRoom({ ...two, benefits: Array.from({ length: 50 }, () => coffee) })).toBe(false);
});
