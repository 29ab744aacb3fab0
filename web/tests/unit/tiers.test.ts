// What the page of the tiers reckons: thresholds within needs, a first ladder, what lacks of one, and the ways to people.
import { expect, test } from 'vitest';
import { firstLadder, lacks, segmentUrl, share, stepHeight, thresholds, whoMoved, withLadder, withThreshold, withTier, type Ladder, type Needs } from '../../src/lib/tiers';

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
