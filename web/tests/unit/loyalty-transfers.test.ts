import { describe, expect, it } from 'vitest';
import { firstProgram } from '../../src/lib/loyalty';
import { actOn, firstTransfers, fits, transfersLack, transfersOf } from '../../src/lib/loyalty-transfers';

const plan = firstProgram('Club', 'Europe/Berlin', 'EUR');
const whole = firstTransfers(plan);

describe('transfers', () => {
	it('are off unless the programme says otherwise', () => {
		expect(transfersOf(plan)).toBeNull();
		expect(transfersOf({ ...plan, transfers: whole })).toBe(whole);
	});
	it('say what lacks of what is allowed', () => {
		expect(transfersLack(whole, plan)).toBe('');
		expect(transfersLack({ wallets: ['points'] }, plan)).toBe('');
		expect(transfersLack({ ...whole, wallets: [] }, plan)).toBe('wallets');
		expect(transfersLack({ ...whole, wallets: ['gone'] }, plan)).toBe('wallets');
		expect(transfersLack({ ...whole, least: NaN }, plan)).toBe('limits');
		expect(transfersLack({ ...whole, most: 0 }, plan)).toBe('limits');
		expect(transfersLack({ ...whole, most: null }, plan)).toBe('');
		expect(transfersLack({ ...whole, in_per_year: 99 }, plan)).toBe('below');
		expect(transfersLack({ ...whole, times_per_year: 0 }, plan)).toBe('times');
		expect(transfersLack({ ...whole, member_days: 4_000 }, plan)).toBe('days');
		expect(transfersLack({ ...whole, claim_days: 0 }, plan)).toBe('days');
		expect(transfersLack({ ...whole, claim_days: null }, plan)).toBe('');
	});
	it('fit within what can be sent at once', () => {
		expect([99, 100, 10_000, 10_001, 100.5, NaN].map((points) => fits(points, whole))).toEqual([false, true, true, false, false, false]);
		expect(fits(1, { wallets: ['points'] })).toBe(true);
	});
	it('are called off while they wait, and undone once they arrived', () => {
		const acts = ['open', 'done', 'claimed', 'cancelled', 'timed_out', 'reversed', 'refused'].map((state) => actOn({ state, is_gift: true }));
		expect(acts).toEqual(['cancel', 'undo', 'undo', null, null, null, null]);
	});
});
