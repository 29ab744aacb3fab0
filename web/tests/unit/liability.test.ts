// What the page of the books reckons: millionths, months that add up or do not, shares of vintages.
import { expect, test } from 'vitest';
import { firstGap, kept, micros, MONEY, moneyRow, offBy, POINTS, pointsRow, ratio, sumOf, told, type Month, type Vintage } from '../../src/lib/liability';

const month = (name: string, opening: number, closing: number, money: [string, string]): Month => ({
	month: name, opening, issued: 100, redeemed: 30, lapsed: 5, taken_back: 7, adjusted: -2, closing, owed: 0, expected_redemption: 0.9,
	money: { opening: money[0], deferred: '0.9', taken_back: '0.063', adjusted: '-0.018', redeemed: '0.27', breakage: '0.1', closing: money[1] }
});
const two = [month('2026-01', 1000, 1056, ['9.1', '9.549']), month('2026-02', 1056, 1112, ['9.549', '9.998'])];

test('decimal texts are millionths to the last digit, and nonsense is no number', () => {
	expect([micros('371.20'), micros('-0.000001'), micros('12'), micros('0.1') + micros('0.2')]).toEqual([371_200_000, -1, 12_000_000, 300_000]);
	expect([micros('1e3'), micros(''), micros('1.2345678')]).toEqual([NaN, NaN, NaN]);
});

test('months that add up and follow each other have no gap, in points and in money', () => {
	expect(firstGap(two.map(pointsRow), POINTS)).toBeNull();
	expect(firstGap(two.map(moneyRow), MONEY)).toBeNull();
});

test('a month that does not come to its closing is named, and so is one that begins elsewhere', () => {
	expect(firstGap([two[0], { ...two[1], issued: 101 }].map(pointsRow), POINTS)).toBe('2026-02');
	expect(firstGap([two[0], month('2026-02', 1057, 1113, ['9.549', '9.998'])].map(pointsRow), POINTS)).toBe('2026-02');
	expect(firstGap([month('2026-01', 1000, 1056, ['9.1', '9.549001']), two[1]].map(moneyRow), MONEY)).toBe('2026-01');
});

test('all months together go from the first opening to the last closing, and add up too', () => {
	const all = sumOf(two.map(moneyRow));
	expect([all.opening, all.closing, all.moves]).toEqual([9_100_000, 9_998_000, [1_800_000, 540_000, 200_000, 126_000, -36_000]]);
	expect(firstGap([all], MONEY)).toBeNull();
	expect(sumOf([])).toEqual({ month: '', opening: 0, moves: [], closing: 0 });
});

test('shares are of the points that could be redeemed, and words tell of a vintage whose interval is known', () => {
	const vintage = (name: string, ages: number, low: number | null): Vintage => ({ month: name, issued: 120, taken_back: 15, adjusted: 0, redeemed: 60, lapsed: 10, settled: 5, left: 30, redeemed_by_age: Array.from({ length: ages }, () => 60), expected: 70, standard_error: low && 2, low, high: low && 74 });
	expect(kept(vintage('2026-01', 3, null))).toBe(100);
	expect([ratio(60, 100), ratio(null, 100), ratio(1, 0)]).toEqual([0.6, null, null]);
	expect(told([vintage('2025-01', 9, 66), vintage('2025-02', 8, 66), vintage('2025-03', 7, null), vintage('2025-08', 2, 66)])?.month).toBe('2025-02');
	expect(told([vintage('2025-08', 2, 66)])).toBeUndefined();
	expect([offBy({ months: 1, vintages: 2, foreseen: 100, came: 90 }), offBy({ months: 1, vintages: 0, foreseen: 0, came: 4 })]).toEqual([expect.closeTo(-0.1), null]);
});
