// What staff may change by hand, members out of what was pasted, and how far the work on many accounts is.
import { describe, expect, it } from 'vitest';
import { firstProgram } from '$lib/loyalty';
import { aloneUpTo, cutReason, goodwillOf, guessColumns, guessWho, historyLacks, isReason, memberNumbers, pace, workDone } from '$lib/loyalty-changes';

const plain = firstProgram('Club', 'Europe/Berlin', 'EUR');
const program = { ...plain, staff: { alone: [{ role: 'admin', most: 500 }, { role: 'admin', wallet: 'stamps', most: 3 }], goodwill: [{ role: 'agent', most: 200, every: 'day' }, { role: 'agent', most: 1000, every: 'month' }, { role: 'agent', wallet: 'stamps', most: 1, every: 'day' }] } };

describe('what one person may change', () => {
	it('is no limit for whoever may post where nothing is said, and nothing for others', () => {
		expect(aloneUpTo(plain, 'admin', 'points', true)).toBeNull();
		expect(aloneUpTo(plain, 'agent', 'points', false)).toBe(0);
	});
	it('is what is said of the role in the wallet, the first unless another is named; a role that is not named changes nothing', () => {
		expect(aloneUpTo(program, 'admin', 'points', true)).toBe(500);
		expect(aloneUpTo(program, 'admin', 'stamps', true)).toBe(3);
		expect(aloneUpTo(program, 'owner', 'points', true)).toBe(0);
	});
	it('is goodwill within all limits of the role', () => {
		expect(goodwillOf(program, 'agent', 'points').map((it) => it.most)).toEqual([200, 1000]);
		expect(goodwillOf(program, 'agent', 'stamps').map((it) => it.most)).toEqual([1]);
		expect(goodwillOf(program, 'owner', 'points')).toEqual([]);
		expect(goodwillOf(plain, 'agent', 'points')).toEqual([]);
	});
	it('takes a reason that the server keeps, in bytes', () => {
		expect([isReason(' '), isReason('Late'), isReason('x'.repeat(235)), isReason('x'.repeat(236)), isReason('迟'.repeat(79))]).toEqual([false, true, true, false, false]);
	});
	it('begins as what was said, on one line, and is cut where the server would refuse it', () => {
		expect(cutReason(' Your complaint:\n  late ')).toBe('Your complaint: late');
		expect(cutReason('')).toBe('');
		const [long, wide] = [cutReason('x'.repeat(400)), cutReason('迟'.repeat(300))];
		expect([long.length, long.endsWith('…'), isReason(long)]).toEqual([200, true, true]);
		expect([[...wide].length, wide.endsWith('…'), isReason(wide)]).toEqual([78, true, true]);
	});
});

describe('many accounts', () => {
	it('are named by their numbers, each once', () => {
		expect(memberNumbers(['5100000000000', 'ann@example.com', '5100000000000', '17'])).toEqual({ ids: ['5100000000000', '17'], wrong: ['ann@example.com'] });
	});
	it('are worked off at a pace that is known after a second look', () => {
		expect(workDone({ members: 200, through: 50 })).toBe(0.25);
		expect(workDone({ members: 0, through: 0 })).toBe(1);
		expect(pace({ done: 100, at: 0 }, { done: 300, at: 2000 }, 1300)).toEqual({ rate: 100, left: 10 });
		expect(pace({ done: 100, at: 0 }, { done: 100, at: 2000 }, 1300)).toBeNull();
	});
});

describe('what members had elsewhere', () => {
	it('is told by columns whose names say what they are', () => {
		expect(guessColumns(['E-mail', 'Points', 'Earned', 'Expiry date', 'Order'])).toEqual({ who: 'E-mail', points: 'Points', at: 'Earned', expires_at: 'Expiry date', reference: 'Order' });
		expect(guessColumns(['mail', 'points', 'day', 'ends'])).toEqual({ who: 'mail', points: 'points', at: 'day', expires_at: 'ends' });
		expect(guessColumns(['a', 'b'])).toEqual({});
	});
	it('is of somebody told by an address, a number or an id', () => {
		expect(guessWho(['', 'ann@example.com'])).toBe('email');
		expect(guessWho(['5100000000000', '5100000007919'])).toBe('member_id');
		expect(guessWho(['c-1', '17'])).toBe('user_id');
		expect(guessWho([])).toBe('user_id');
	});
	it('can be tried when all that is needed is said, and nothing twice', () => {
		const whole = { who: 'mail', points: 'points', at: 'day' };
		expect(historyLacks(whole, 'old-club')).toBe('');
		expect(historyLacks({ ...whole, at: undefined }, 'old-club')).toBe('at');
		expect(historyLacks({ ...whole, expires_at: 'day' }, 'old-club')).toBe('twice');
		expect(historyLacks(whole, 'Old club')).toBe('source');
	});
});
