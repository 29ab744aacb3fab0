import { describe, expect, it } from 'vitest';
import { firstProgram } from '../../src/lib/loyalty';
import { firstHouseholds, HOUSEHOLD_ACTS, householdsLack, householdsOf, isName, needsReason, sharable } from '../../src/lib/loyalty-households';
import { fewest, firstPaying, payable, payingLack, payingOf, pays, percentOf, shareOf } from '../../src/lib/loyalty-paying';

const first = firstProgram('Club', 'Europe/Berlin', 'EUR');
const plan = { ...first, wallets: [...first.wallets, { ...first.wallets[0], key: 'cash', unit: { kind: 'money' as const, currency: 'EUR' } }] };
const whole = firstHouseholds(plan);

describe('households', () => {
	it('are off unless the programme says otherwise, and never share stored value', () => {
		expect(householdsOf(plan)).toBeNull();
		expect(householdsOf({ ...plan, households: whole })).toBe(whole);
		expect(sharable(plan).map((it) => it.key)).toEqual(['points']);
		expect(householdsLack({ ...whole, wallets: ['cash'] }, plan)).toBe('wallets');
	});
	it('say what lacks of what they may do', () => {
		expect(householdsLack(whole, plan)).toBe('');
		expect(householdsLack({ wallets: ['points'] }, plan)).toBe('');
		expect(householdsLack({ ...whole, wallets: [] }, plan)).toBe('wallets');
		expect([1, 21, NaN].map((most_members) => householdsLack({ ...whole, most_members }, plan))).toEqual(['members', 'members', 'members']);
		expect(householdsLack({ ...whole, joins_per_year: 0 }, plan)).toBe('joins');
		expect(householdsLack({ ...whole, joins_per_year: null }, plan)).toBe('');
		expect(householdsLack({ ...whole, used_per_month: 0 }, plan)).toBe('used');
		expect(householdsLack({ ...whole, invitation_days: 91 }, plan)).toBe('days');
	});
});

describe('what staff do with a household', () => {
	it('needs a reason where somebody might have wished otherwise', () => {
		expect(HOUSEHOLD_ACTS.filter(needsReason)).toEqual(['accept', 'remove', 'hand', 'close']);
	});
	it('takes names that are no addresses', () => {
		expect(['Mum', ' ', 'a@b', 'x/y', '爷'.repeat(40), '爷'.repeat(41)].map(isName)).toEqual([true, false, false, false, true, false]);
	});
});

describe('paying', () => {
	const paying = firstPaying(plan.wallets[0]);
	it('is off unless the programme says otherwise', () => {
		expect(payingOf(plan)).toEqual([]);
		expect(payable(plan).map((it) => it.key)).toEqual(['points']);
	});
	it('says what lacks', () => {
		expect(payingLack(paying, plan)).toBe('');
		expect(payingLack({ wallet: 'points' }, plan)).toBe('');
		expect(payingLack({ ...paying, wallet: 'gone' }, plan)).toBe('wallet');
		expect(payingLack({ ...paying, worth: '0' }, plan)).toBe('worth');
		expect(payingLack({ ...paying, step: NaN }, plan)).toBe('points');
		expect(['0', '1.5', '0.5', '1'].map((most) => payingLack({ ...paying, most }, plan))).toEqual(['share', 'share', '', '']);
		expect([0, 1, 90, 91, NaN, undefined].map((told_within_days) => payingLack({ ...paying, told_within_days }, plan))).toEqual(['days', '', '', 'days', 'days', '']);
	});
	it('tells the fewest that pay, in whole cents', () => {
		expect(fewest({ wallet: 'points', worth: '0.003', least: 1, step: 5 }, plan)).toBe(5);
		expect(fewest({ ...paying, least: 120, step: 50 }, plan)).toBe(150);
		expect(pays({ ...paying, worth: '0.0033' }, plan, 10)).toBe(0.03);
		expect(pays(paying, plan, 150)).toBe(1.5);
	});
	it('reads shares as per cent, and nothing as all', () => {
		expect([percentOf(null), percentOf('0.5'), shareOf('33,3'), shareOf('')]).toEqual(['', '50', '0.333', null]);
	});
});
