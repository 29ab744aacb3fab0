// What the pages of the programme reckon: days as the server does, conditions taken apart and put together, bars of lots.
import { expect, test } from 'vitest';
import { bar, digitsOf, firstDay, keyOf, lacks, lastDay, later, parted, together, wentWhere, type Rule } from '../../src/lib/loyalty';
import type { Tree } from '../../src/lib/condition-tree';

test('a month after the last of January is the last of February, and a leap year has one more', () => {
	expect(later('2026-01-31', 1, 'months')).toBe('2026-02-28');
	expect(later('2028-01-31', 1, 'months')).toBe('2028-02-29');
	expect(later('2024-02-29', 1, 'years')).toBe('2025-02-28');
	expect(later('2026-12-15', 20, 'days')).toBe('2027-01-04');
});

test('points last to the end of a period, lapse on fixed days, or never', () => {
	const after = (rounding: 'day' | 'month' | 'quarter' | 'half_year' | 'year') => lastDay({ kind: 'after', count: 12, unit: 'months', rounding }, '2026-11-21');
	expect([after('day'), after('month'), after('quarter'), after('half_year'), after('year')]).toEqual(['2027-11-21', '2027-11-30', '2027-12-31', '2027-12-31', '2027-12-31']);
	// Square: earned on 6 July with 12 months to the end of the month, lapses on 1 August of the next year.
	expect(lastDay({ kind: 'after', count: 12, unit: 'months', rounding: 'month' }, '2020-07-06')).toBe('2021-07-31');
	expect(lastDay({ kind: 'fixed', days: [[12, 31]], at_least_days: 0 }, '2026-11-21')).toBe('2026-12-31');
	expect(lastDay({ kind: 'fixed', days: [[12, 31]], at_least_days: 60 }, '2026-11-21')).toBe('2027-12-31');
	expect(lastDay({ kind: 'fixed', days: [[2, 29]] }, '2026-11-21')).toBe('2027-02-28');
	expect(lastDay({ kind: 'never' }, '2026-11-21')).toBeNull();
	expect(firstDay({ kind: 'return_window', days: 14 }, '2026-11-21')).toBe('2026-12-06');
	expect(firstDay({ kind: 'no' }, '2026-11-21')).toBeNull();
});

test('a condition is taken apart into what the event is like and who did it, and put together again', () => {
	const paid: Tree = { property: { path: 'subtotal', op: 'at_least', value: 100 } } as unknown as Tree;
	const camping: Tree = { property: { path: 'channel', op: 'equals', value: 'store' } } as unknown as Tree;
	const champion: Tree = { fact: { key: 'rfm.group', op: 'equals', value: 'champions' } };
	const whole: Tree = { all: [paid, champion, { not: camping }] };
	const parts = parted(whole)!;
	expect(parts).toEqual({ event: { all: [paid, { not: camping }] }, who: champion });
	expect(together(parts.event, parts.who)).toEqual({ all: [paid, { not: camping }, champion] });
	expect(parted({ all: [] })).toEqual({ event: null, who: null });
	expect(together(null, null)).toEqual({ all: [] });
	expect(together(null, champion)).toEqual(champion);
	// One of both cannot be taken apart, nor what has names for its values.
	expect(parted({ any: [paid, champion] })).toBeNull();
	expect(parted({ ...whole, with: { least: 100 } } as unknown as Tree)).toBeNull();
});

test('what a rule lacks is said, the first thing first', () => {
	const rule: Rule = { name: 'A point', event: 'Order Completed', gives: { kind: 'amount', points: 1, each: '1' } };
	expect(lacks(rule)).toBe('');
	expect(lacks({ ...rule, name: ' ' })).toBe('name');
	expect(lacks({ ...rule, gives: { kind: 'amount', points: 0, each: '1' } })).toBe('points');
	expect(lacks({ ...rule, gives: { kind: 'amount', points: 1, each: '0' } })).toBe('each');
	expect(lacks({ ...rule, gives: { kind: 'times', factor: '1' } })).toBe('factor');
	expect(lacks({ ...rule, gives: { kind: 'number', points: 1, each: '1', property: '' } })).toBe('property');
	expect(lacks({ ...rule, window: { from: '2026-12-01', until: '2026-11-30' } })).toBe('window');
	expect(lacks({ ...rule, caps: [{ most: 0, of: 'points', per: 'member', every: 'day' }] })).toBe('caps');
});

test('the bar of a lot shows what is left by its parts and what is gone, against the longest', () => {
	expect(bar({ amount: 100, available: 30, held: 10, pending: 0 }, 200)).toEqual([{ part: 'available', width: 15 }, { part: 'held', width: 5 }, { part: 'gone', width: 30 }]);
	expect(bar({ amount: 0, available: 0, held: 0, pending: 0 }, 0)).toEqual([]);
});

test('where the points of a lot went counts what came back', () => {
	const moved = (from: string, to: string, amount: number) => ({ from, to, amount });
	expect(wentWhere([moved('issued', 'pending', 100), moved('pending', 'available', 100), moved('available', 'spent', 60), moved('spent', 'available', 60), moved('available', 'expired', 40)])).toEqual([{ place: 'expired', points: 40 }]);
	expect(wentWhere([moved('issued', 'pending', 100), moved('pending', 'issued', 100)])).toEqual([{ place: 'issued', points: 100 }]);
});

test('a key is made of a name, and a currency has its digits', () => {
	expect(keyOf('Double points on tents!')).toBe('double-points-on-tents');
	expect(keyOf('Crème brûlée')).toBe('creme-brulee');
	expect(keyOf('双倍')).toBe('');
	expect([digitsOf('EUR'), digitsOf('JPY'), digitsOf('nonsense')]).toEqual([2, 0, 2]);
});
