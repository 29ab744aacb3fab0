// Offers in words, what lacks of them, and the cart that they are tried on.
import { beforeAll, describe, expect, it } from 'vitest';
import { words } from '$lib/i18n/index.svelte';
import { firstProgram } from '$lib/loyalty';
import { budgetsUsed, cartOf, compareChoices, firstCart, firstOffer, isCampaign, lacksOf, lineAt, sayBudget, sayCame, sayLimits, sayOffer, sayStacking, usedIn, type Offer, type OfferGives, type PricedCart } from '$lib/loyalty-offers';

const program = firstProgram('Club', 'Europe/Berlin', 'EUR');
const offer = (gives: OfferGives, more: Partial<Offer> = {}): Offer => ({ name: 'It', gives, ...more });
const NOW = Date.parse('2026-11-21T21:00:00Z');

beforeAll(() => words.with('loyalty'));

describe('who is held out of an offer', () => {
	const june = { window: { until: '2026-06-30' } };
	const isOne = (more: Partial<Offer>) => isCampaign(offer({ kind: 'amount_off', amount: '5' }, more));
	it('is somebody of a campaign, and nobody of a promise', () => {
		expect(isOne({})).toBe(false);
		expect(isOne(june)).toBe(true);
		expect(isOne({ ...june, needs_code: true })).toBe(false);
		expect(isOne({ ...june, announced: true })).toBe(false);
	});
});

describe('offers in words', () => {
	it('says what each kind does', () => {
		expect(sayOffer(offer({ kind: 'percent_off', percent: '10', most: '50' }), program)).toMatch(/^10\s?% off, €50 at most$/);
		expect(sayOffer(offer({ kind: 'percent_off', percent: { by: 'score.churn', otherwise: '0', steps: [{ from: '0.3', percent: '5' }, { from: '0.7', percent: '20' }] } }), program)).toMatch(/^0\s?% to 20\s?% off, by score\.churn$/);
		expect(sayOffer(offer({ kind: 'amount_off', amount: '5' }, { least: { amount: '40' } }), program)).toBe('€5 off, from €40 on');
		expect(sayOffer(offer({ kind: 'each_off', amount: '2.50' }), program)).toBe('€2.50 off each unit');
		expect(sayOffer(offer({ kind: 'price', price: '9.90' }), program)).toBe('Each unit for €9.90');
		expect(sayOffer(offer({ kind: 'units_off', buy: 2, free: 1 }), program)).toBe('3 for the price of 2');
		expect(sayOffer(offer({ kind: 'units_off', buy: 2, free: 1, percent: '50' }), program)).toMatch(/^Of 3 units 1 with 50\s?% off$/);
		expect(sayOffer(offer({ kind: 'shipping_off' }), program)).toBe('Free shipping');
		expect(sayOffer(offer({ kind: 'free_item', product_id: 'mug', quantity: 1 }), program)).toBe('1 × mug on top');
		expect(sayOffer(offer({ kind: 'points', points: 500 }), program)).toBe('500 points');
	});
	it('says for which lines before it says how much at most', () => {
		const camping = { property: { path: 'category', op: 'equals', value: 'Camping' } } as const;
		expect(sayOffer(offer({ kind: 'percent_off', percent: '10', most: '50' }, { items: camping as Offer['items'], least: { amount: '20' } }), program)).toMatch(/^10\s?% off on lines where .*category.*Camping.*, €50 at most, from €20 on$/);
	});
	it('says which count together and how much at most', () => {
		expect(sayStacking(offer({ kind: 'points', points: 1 }, { group: 'campaigns' }))).toBe('with others, group campaigns');
		expect(sayStacking(offer({ kind: 'points', points: 1 }, { stacking: 'alone' }))).toBe('alone');
		expect(sayBudget({ most: '5000', of: 'amount', per: 'everybody', every: 'month' }, program)).toBe('€5,000 for everybody a month');
		expect(sayBudget({ most: '1', of: 'times', per: 'member', every: 'ever' }, program)).toBe('1 time per customer ever');
	});
	it('says why an offer gave less or nothing', () => {
		const line = (outcome: string, more = {}) => ({ offer: 'a', version: 0, benefit: '0', outcome, budget: null, instead: null, ...more });
		const tents = offer({ kind: 'amount_off', amount: '5' }, { budgets: [{ most: '100', of: 'amount', per: 'everybody', every: 'day' }] });
		expect(sayCame(line('given'), tents, program, (it) => it)).toBe('€5 off');
		expect(sayCame(line('budget', { budget: 0 }), tents, program, (it) => it)).toBe('Cut by its budget: €100 for everybody a day');
		expect(sayCame(line('instead', { instead: 'b' }), tents, program, () => 'Half price')).toBe('Half price counts instead');
		expect(sayCame(line('held_out'), tents, program, (it) => it)).toBe('The customer is in the holdout');
	});
	it('says the guardrails, also those that nobody set', () => {
		expect(sayLimits(program)).toHaveLength(4);
		const own = { ...program, offers: { choice: 'best_margin', most_percent: '50', margin_floor_percent: '10', protected: ['trait.postcode'], price_changes: { most: 2, days: 30 } } };
		const said = sayLimits(own).join(' ');
		for (const part of ['cost the shop least', 'at most 50', '10', 'trait.postcode', '2 times in 30 days']) expect(said).toContain(part);
	});
});

describe('what was used', () => {
	const usage = [{ period: 'month 2026-10-01', amount: '9', times: 9 }, { period: 'month 2026-11-01', amount: '250.5', times: 4 }, { period: 'week 2026-11-16', amount: '7', times: 1 }, { period: 'week 2026-11-09', amount: '8', times: 2 }, { period: 'ever', amount: '900', times: 40 }];
	it('is that of the period that it is now', () => {
		expect(usedIn('month', usage, 'Europe/Berlin', NOW)).toEqual({ amount: 250.5, times: 4 });
		expect(usedIn('week', usage, 'Europe/Berlin', NOW)).toEqual({ amount: 7, times: 1 });
		expect(usedIn('day', usage, 'Europe/Berlin', NOW)).toEqual({ amount: 0, times: 0 });
		expect(usedIn('ever', usage, 'Europe/Berlin', NOW).times).toBe(40);
		expect(usedIn('month', usage, 'Europe/Berlin', Date.parse('2026-11-30T23:30:00Z'))).toEqual({ amount: 0, times: 0 });
	});
	it('fills the budgets for everybody, never more than whole', () => {
		const it_ = offer({ kind: 'points', points: 1 }, { budgets: [{ most: '1', of: 'times', per: 'member', every: 'day' }, { most: '1000', of: 'amount', per: 'everybody', every: 'month' }, { most: '10', of: 'times', per: 'everybody', every: 'ever' }] });
		expect(budgetsUsed(it_, usage, 'Europe/Berlin', NOW).map(({ used, share }) => [used, share])).toEqual([[250.5, 0.2505], [40, 1]]);
	});
});

describe('what lacks', () => {
	it('is nothing of a whole offer, else the first thing', () => {
		expect(lacksOf(firstOffer(10))).toBe('name');
		expect(lacksOf(offer({ kind: 'percent_off', percent: '10' }))).toBe('');
		expect(lacksOf(offer({ kind: 'percent_off', percent: '101' }))).toBe('percent');
		expect(lacksOf(offer({ kind: 'percent_off', percent: { by: 'score.churn', otherwise: '0', steps: [{ from: '0.7', percent: '5' }, { from: '0.3', percent: '20' }] } }))).toBe('steps');
		expect(lacksOf(offer({ kind: 'amount_off', amount: '0' }))).toBe('amount');
		expect(lacksOf(offer({ kind: 'units_off', buy: 0, free: 1 }))).toBe('units');
		expect(lacksOf(offer({ kind: 'free_item', product_id: ' ', quantity: 1 }))).toBe('product');
		expect(lacksOf(offer({ kind: 'points', points: 1.5 }))).toBe('points');
		expect(lacksOf(offer({ kind: 'points', points: 1 }, { window: { from: '2026-12-02', until: '2026-12-01' } }))).toBe('window');
		expect(lacksOf(offer({ kind: 'points', points: 1 }, { budgets: [{ most: '1.5', of: 'times', per: 'member', every: 'day' }] }))).toBe('budgets');
	});
});

describe('the cart', () => {
	it('is read as it is typed, and is none while a number is none', () => {
		const cart = firstCart();
		expect(cartOf({ ...cart, shipping: '4,90' }, 'EUR')).toEqual({ currency: 'EUR', shipping: 4.9, products: [{ product_id: 'tent', price: 100, quantity: 1 }, { product_id: 'mug', price: 12.5, quantity: 2 }] });
		expect(cartOf({ ...cart, lines: [{ ...cart.lines[0]!, price: 'x' }] }, 'EUR')).toBeNull();
		expect(cartOf({ ...cart, lines: [] }, 'EUR')).toBeNull();
	});
	it('shows a line before and after what offers took off it', () => {
		const effect = (line: number, value: string, offer: string) => ({ offer, kind: 'discount', line, value, wanted: value });
		const priced = { effects: [effect(1, '2.5', 'a'), effect(1, '1', 'b'), effect(0, '10', 'a'), { offer: 'c', kind: 'points', value: '5', wanted: '5' }] } as unknown as PricedCart;
		expect(lineAt(firstCart(), 1, priced)).toEqual({ before: 25, after: 21.5, by: ['a', 'b'] });
		expect(lineAt(firstCart(), 0, priced)).toEqual({ before: 100, after: 90, by: ['a'] });
	});
});

describe('ways of choosing', () => {
	const line = (offer: string, benefit: string) => ({ offer, version: 1, benefit, outcome: Number(benefit) ? 'given' : 'instead' });
	const cart = (to_pay: string, margin: string | null, ...lines: ReturnType<typeof line>[]) => ({ to_pay, margin, lines });
	it('are the same when the same is given', () => {
		const one = cart('90', '30', line('a', '10'));
		expect(compareChoices({ in_order: one, best_for_customer: one, best_margin: one })).toEqual({ isSame: true, saves: 0, keeps: 0 });
		expect(compareChoices({ in_order: one, best_for_customer: one, best_margin: cart('90', '30', line('b', '10')) }).isSame).toBe(false);
	});
	it('say what the customer saves and what the shop keeps', () => {
		const [customer, shop] = [cart('80.1', '20', line('b', '19.9')), cart('95', '34.9', line('a', '5'))];
		expect(compareChoices({ in_order: shop, best_for_customer: customer, best_margin: shop })).toEqual({ isSame: false, saves: 14.9, keeps: 14.9 });
		expect(compareChoices({ in_order: shop, best_for_customer: { ...customer, margin: null }, best_margin: shop }).keeps).toBeNull();
	});
});
