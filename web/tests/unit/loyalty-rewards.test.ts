// What members can have for their points, in words.
import { beforeAll, describe, expect, it } from 'vitest';
import { words } from '$lib/i18n/index.svelte';
import { firstProgram } from '$lib/loyalty';
import { nextStep, sayPrices, sayReward, standsAs, surprisesOf, type RewardVersion } from '$lib/loyalty-rewards';

const program = firstProgram('Club', 'Europe/Berlin', 'EUR');

beforeAll(() => words.with('loyalty'));

describe('rewards in words', () => {
	it('says each price in the order in which they are tried, and which are not for all', () => {
		const gold = { fact: { key: 'tier.status', op: 'equals', value: 'gold' } } as const;
		const said = sayPrices([{ points: 600, when: gold }, { points: 1000, when: { all: [] } }, { points: 500, money: '4.50' }], program);
		expect(said).toBe('600 points for some members or 1,000 points or 500 points and €4.50');
	});
	it('says what members get', () => {
		expect(sayReward({ kind: 'discount', off: { kind: 'percent', percent: '10' }, at_least: '50' }, program)).toMatch(/^A code for 10\s?% off, from €50(\.00)? on$/);
		expect(sayReward({ kind: 'discount', off: { kind: 'amount', amount: '5' } }, program)).toMatch(/^A code for €5(\.00)? off$/);
		expect(sayReward({ kind: 'code' }, program)).toBe('A code of its own');
		expect(sayReward({ kind: 'code', uses: 3 }, program)).toBe('A code of its own, good for 3 uses');
		expect(sayReward({ kind: 'donation', charity: 'forest', amount: '2.5' }, program)).toBe('€2.50 for forest');
	});
	it('asks for the money before the delivery', () => {
		expect(nextStep({ money: '4.5', paid_at: null })).toBe('paid');
		expect(nextStep({ money: '4.5', paid_at: '2026-11-28T10:00:00Z' })).toBe('fulfil');
		expect(nextStep({ money: null })).toBe('fulfil');
	});
});

describe('redemptions and surprises', () => {
	it('offer only what is live and has a budget for surprises', () => {
		const row = (key: string, state: RewardVersion['state'], surprises: unknown) => ({ key, state, reward: { surprises } }) as RewardVersion;
		expect(surprisesOf([row('a', 'live', { most: 1, every: 'day' }), row('b', 'live', null), row('c', 'paused', { most: 1, every: 'day' })]).map((it) => it.key)).toEqual(['a']);
	});
	it('stand as delivered only where somebody delivers', () => {
		expect(standsAs({ state: 'fulfilled', kind: 'delivered' })).toBe('fulfilled');
		expect(standsAs({ state: 'fulfilled', kind: 'code' })).toBe('ready');
		expect(standsAs({ state: 'used', kind: 'code' })).toBe('used');
	});
});
