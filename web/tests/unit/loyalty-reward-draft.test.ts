// A reward while it is written: what lacks of it, what is sent, and prices that nobody comes to.
import { expect, test } from 'vitest';
import { FIRST_GIVES, firstReward, moved, REWARD_KINDS, rewardLacks, tidiedReward, unreachable } from '$lib/loyalty-reward-draft';
import type { Price, Reward } from '$lib/loyalty-rewards';

const mug = (change: Partial<Reward> = {}): Reward => ({ ...firstReward(10), name: 'Mug', ...change });
const gold: Price['when'] = { fact: { key: 'tier.club', op: 'equals', value: 'gold' } };

test('a reward begins with all but a name', () => {
	expect(rewardLacks(firstReward(10))).toBe('name');
	expect(rewardLacks(mug())).toBe('');
});

test('of each kind that it may give, it lacks what that kind needs', () => {
	const lack = Object.fromEntries(REWARD_KINDS.map((kind) => [kind, rewardLacks(mug({ gives: FIRST_GIVES[kind] }))]));
	expect(lack).toEqual({ discount: '', code: '', pool: 'pool', delivered: '', donation: 'charity', gift_card: '' });
	expect(rewardLacks(mug({ gives: { kind: 'gift_card', amount: 0 } }))).toBe('gift_card');
	expect(rewardLacks(mug({ gives: { kind: 'donation', charity: 'forest', amount: '0' } }))).toBe('amount');
	expect(rewardLacks(mug({ gives: { kind: 'pool', pool: 'Cinema Night' } }))).toBe('pool');
	expect(rewardLacks(mug({ gives: { kind: 'code', uses: 0 } }))).toBe('uses');
	const percent = (text: string) => rewardLacks(mug({ gives: { kind: 'discount', off: { kind: 'percent', percent: text } } }));
	expect(['0', '100', '100.5', 'x', '0.5'].map(percent)).toEqual(['percent', '', 'percent', 'percent', '']);
	expect(rewardLacks(mug({ gives: { kind: 'discount', off: { kind: 'amount', amount: '5' }, at_least: '-1' } }))).toBe('at_least');
	expect(rewardLacks(mug({ gives: { kind: 'discount', off: { kind: 'amount', amount: '1000001' } } }))).toBe('amount');
});

test('prices are whole points, also none, and money above 0', () => {
	const price = (change: Partial<Price>) => rewardLacks(mug({ prices: [{ points: 100, ...change }] }));
	expect([price({}), price({ points: 0 }), price({ points: 1.5 }), price({ points: NaN }), price({ points: -1 })]).toEqual(['', '', 'points', 'points', 'points']);
	expect([price({ money: '4.50' }), price({ money: '0' }), price({ money: 'x' })]).toEqual(['', 'money', 'money']);
	expect([price({ when: gold }), price({ when: { any: [] } })]).toEqual(['', 'condition']);
	expect(rewardLacks(mug({ prices: [] }))).toBe('points');
});

test('numbers beside it are whole and within what the server takes', () => {
	expect(rewardLacks(mug({ stock: 0 }))).toBe('');
	expect(rewardLacks(mug({ stock: NaN }))).toBe('stock');
	expect(rewardLacks(mug({ limits: [{ most: 0, per: 'member', every: 'day' }] }))).toBe('limits');
	expect(rewardLacks(mug({ surprises: { most: 0, every: 'month' } }))).toBe('surprises');
	expect(rewardLacks(mug({ fulfil_within_days: 366 }))).toBe('days');
	expect(rewardLacks(mug({ pay_within_minutes: 10_080, cancel_within_hours: 0 }))).toBe('');
	expect(rewardLacks(mug({ window: { from: '2026-12-02', until: '2026-12-01' } }))).toBe('window');
	expect(rewardLacks(mug({ valid: { kind: 'inactivity', count: 1, unit: 'years' } }))).toBe('valid');
	expect(rewardLacks(mug({ picture: 'http://shop.example/mug.jpg' }))).toBe('picture');
});

test('it is sent without its key, with its name on one line, and with all that the console does not know', () => {
	const sent = tidiedReward({ ...mug({ name: ' A \n mug ', picture: ' ' }), key: 'mug', unknown: 1 } as Reward);
	expect(sent).toMatchObject({ name: 'A mug', picture: null, unknown: 1 });
	expect('key' in sent).toBe(false);
});

test('a price is moved as far as there are places', () => {
	expect([moved([1, 2, 3], 2, -1), moved([1, 2, 3], 0, -1), moved([1, 2, 3], 2, 1)]).toEqual([[1, 3, 2], [1, 2, 3], [1, 2, 3]]);
});

test('nobody comes to a price behind one for everybody in the same wallet', () => {
	const all: Price['when'] = { all: [] };
	expect(unreachable([{ points: 1000, when: all }, { points: 400, money: '4.50', when: all }, { points: 300, money: '6', when: all }], 'points')).toEqual([false, false, true]);
	expect(unreachable([{ points: 600, when: gold }, { points: 1000, when: all }, { points: 500, wallet: 'credit' }, { points: 10, wallet: 'points', when: gold }], 'points')).toEqual([false, false, false, true]);
});
