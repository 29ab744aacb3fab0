// Offers, as staff write them, and in words.
import type { components } from './api/schema';
import type { Condition } from './conditions';
import type { Tree } from './condition-tree';
import { f, t, term } from './i18n/index.svelte';
import { dayIn, isDecimal, type Every, type Program, type RuleState, type Window } from './loyalty';
import { isAtTimes } from './loyalty-trials';
import { amountIn, sayItems } from './loyalty-words';

export type PricedCart = components['schemas']['PricedCart'];
export type PricedLine = components['schemas']['PricedLine'];
export type OfferUsage = components['schemas']['OfferUsage'];
export type AddedCodes = components['schemas']['AddedCodes'];

export type On = 'running' | 'initial';
export interface Step { from: string; percent: string }
/** The same for everybody, or by a number that is known of a person. */
export type Share = string | { by: string; steps: Step[]; otherwise: string };
export type OfferGives =
	| { kind: 'percent_off'; percent: Share; most?: string | null }
	| { kind: 'amount_off'; amount: string }
	| { kind: 'each_off'; amount: string }
	| { kind: 'price'; price: string }
	| { kind: 'units_off'; buy: number; free: number; percent?: string }
	| { kind: 'shipping_off'; percent?: string }
	| { kind: 'free_item'; product_id: string; quantity: number; cost?: string | null }
	| { kind: 'points'; points: number; wallet?: string | null };
export const OFFER_GIVES = ['percent_off', 'amount_off', 'each_off', 'price', 'units_off', 'shipping_off', 'free_item', 'points'] as const;
export const STACKING = ['common', 'alone', 'always'] as const;
export type Stacking = (typeof STACKING)[number];
export interface Budget { most: string; of: 'amount' | 'times'; per: 'member' | 'everybody'; every: Every; past?: 'cut' | 'refuse' }
export interface Offer {
	key?: string;
	name: string;
	place?: number;
	when?: Tree;
	items?: Condition | null;
	least?: { amount: string; of?: On } | null;
	gives: OfferGives;
	on?: On;
	needs_code?: boolean;
	group?: string | null;
	stacking?: Stacking;
	window?: Window;
	budgets?: Budget[];
	announced?: boolean;
	holdout_percent?: number;
}
export interface OfferVersion { key: string; version: number; state: RuleState; offer: Offer; text: string; in_force_from: string; saved_at: string; saved_by: string }

/** How offers are chosen, and how far they may go together: a part of the programme. */
export const CHOICES = ['in_order', 'best_for_customer', 'best_margin'] as const;
export type Choice = (typeof CHOICES)[number];
export interface OfferLimits { choice?: Choice; coin?: string; most_percent?: string; margin_floor_percent?: string | null; protected?: string[]; price_changes?: { most: number; days: number } | null }
export const limitsOf = (program: Program): OfferLimits => (program.offers as OfferLimits | undefined) ?? {};

export const firstOffer = (place: number): Offer => ({ name: '', place, gives: { kind: 'percent_off', percent: '10' } });
/** A campaign is an offer that holds only at times; a code and an announced reduction are promises. */
export const isCampaign = (offer: Offer): boolean => isAtTimes(offer.window) && !offer.needs_code && !offer.announced;
/** What an offer gives at first when another kind is chosen. */
export const FIRST_GIVES: Record<OfferGives['kind'], OfferGives> = {
	percent_off: { kind: 'percent_off', percent: '10' },
	amount_off: { kind: 'amount_off', amount: '5' },
	each_off: { kind: 'each_off', amount: '1' },
	price: { kind: 'price', price: '9.90' },
	units_off: { kind: 'units_off', buy: 2, free: 1, percent: '100' },
	shipping_off: { kind: 'shipping_off', percent: '100' },
	free_item: { kind: 'free_item', product_id: '', quantity: 1 },
	points: { kind: 'points', points: 100 }
};

const money = (amount: string, program: Program | undefined) => f.money(amount, program?.currency ?? '').replace(/[.,]00(?=\D*$)/, '');
const percent = (text: string | undefined) => f.percent(Number(text ?? 100) / 100, Number.isInteger(Number(text ?? 100)) ? 0 : 1);

/** What an offer does, in a few words. */
export function sayOffer(offer: Offer, program: Program | undefined): string {
	const { gives } = offer;
	const items = offer.items ? t('offers.say.items', { what: sayItems(offer.items) }) : '';
	const least = offer.least ? t('offers.say.least', { amount: money(offer.least.amount, program) }) : '';
	const most = gives.kind === 'percent_off' && gives.most ? t('offers.say.most', { most: money(gives.most, program) }) : '';
	const said = sayGiven(gives, program) + items + most + least;
	return said.charAt(0).toUpperCase() + said.slice(1);
}

function sayGiven(gives: OfferGives, program: Program | undefined): string {
	switch (gives.kind) {
		case 'percent_off': {
			const shares = typeof gives.percent === 'string' ? [gives.percent] : [gives.percent.otherwise, ...gives.percent.steps.map((it) => it.percent)];
			const numbers = shares.map(Number);
			const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
			return low === high ? t('offers.say.off', { off: percent(String(low)) }) : t('offers.say.off_by', { low: percent(String(low)), high: percent(String(high)), by: typeof gives.percent === 'string' ? '' : gives.percent.by || '…' });
		}
		case 'amount_off':
			return t('offers.say.off', { off: money(gives.amount, program) });
		case 'each_off':
			return t('offers.say.each_off', { off: money(gives.amount, program) });
		case 'price':
			return t('offers.say.price', { price: money(gives.price, program) });
		case 'units_off':
			return Number(gives.percent ?? 100) === 100 ? t('offers.say.units_free', { all: gives.buy + gives.free, paid: gives.buy }) : t('offers.say.units_off', { all: gives.buy + gives.free, n: gives.free, off: percent(gives.percent) });
		case 'shipping_off':
			return Number(gives.percent ?? 100) === 100 ? t('offers.say.shipping_free') : t('offers.say.shipping_off', { off: percent(gives.percent) });
		case 'free_item':
			return t('offers.say.free_item', { n: gives.quantity, product: gives.product_id || '…' });
		case 'points':
			return amountIn((program?.wallets.find((it) => it.key === gives.wallet) ?? program?.wallets[0])?.unit, gives.points);
	}
}

/** With which others it counts. */
export function sayStacking(offer: Offer): string {
	const parts = [t(`offers.stacking.${offer.stacking ?? 'common'}`)];
	if (offer.group) parts.push(t('offers.of_group', { group: offer.group }));
	return parts.join(', ');
}

export function sayBudget(budget: Budget, program: Program | undefined): string {
	const most = budget.of === 'times' ? t('loyalty.cap.times', { n: Number(budget.most) }) : money(budget.most, program);
	return t(`offers.budget.${budget.per}`, { most, every: t(`loyalty.every.${budget.every}`) });
}

/** What was used in the period in which today lies; periods are named as the server does: `month 2026-11-01`. */
export function usedIn(every: Every, usage: OfferUsage[], zone: string, now: number): { amount: number; times: number } {
	const today = dayIn(zone, now);
	const isNow = (period: string): boolean => {
		const [kind, day = ''] = period.split(' ');
		if (kind !== every) return false;
		switch (every) {
			case 'ever':
				return true;
			case 'year':
				return day.slice(0, 4) === today.slice(0, 4);
			case 'month':
				return day.slice(0, 7) === today.slice(0, 7);
			case 'week':
				return day <= today && Date.parse(today) - Date.parse(day) < 7 * 86_400_000;
			case 'day':
				return day === today;
		}
	};
	const found = usage.find((it) => isNow(it.period));
	return { amount: Number(found?.amount ?? 0), times: found?.times ?? 0 };
}

/** How much of each budget for everybody is used, and its share; those per member have none that could be shown. */
export function budgetsUsed(offer: Offer, usage: OfferUsage[], zone: string, now: number): { budget: Budget; used: number; share: number }[] {
	return (offer.budgets ?? [])
		.filter((it) => it.per === 'everybody')
		.map((budget) => {
			const used = usedIn(budget.every, usage, zone, now)[budget.of];
			return { budget, used, share: Number(budget.most) > 0 ? Math.min(1, used / Number(budget.most)) : 0 };
		});
}

const isShare = (text: string | undefined) => text === undefined || (isDecimal(text) && Number(text) <= 100);
const isAmount = (text: string | null | undefined) => !!text && isDecimal(text) && Number(text) > 0;

/** What lacks of an offer before it can be saved; empty when nothing does. */
export function lacksOf(offer: Offer): '' | 'name' | 'percent' | 'steps' | 'amount' | 'units' | 'product' | 'points' | 'least' | 'window' | 'budgets' {
	const { gives, window } = offer;
	if (!offer.name.trim()) return 'name';
	switch (gives.kind) {
		case 'percent_off': {
			if (typeof gives.percent === 'string') {
				if (!isShare(gives.percent)) return 'percent';
			} else {
				const { by, steps, otherwise } = gives.percent;
				const rises = steps.every((it, at) => isDecimal(it.from) && isShare(it.percent) && (at === 0 || Number(it.from) > Number(steps[at - 1]!.from)));
				if (!by || steps.length === 0 || !rises || !isShare(otherwise)) return 'steps';
			}
			if (gives.most != null && !isAmount(gives.most)) return 'amount';
			break;
		}
		case 'amount_off':
		case 'each_off':
			if (!isAmount(gives.amount)) return 'amount';
			break;
		case 'price':
			if (!isDecimal(gives.price)) return 'amount';
			break;
		case 'units_off':
			if (![gives.buy, gives.free].every((it) => Number.isInteger(it) && it >= 1 && it <= 1000)) return 'units';
			if (!isShare(gives.percent)) return 'percent';
			break;
		case 'shipping_off':
			if (!isShare(gives.percent)) return 'percent';
			break;
		case 'free_item':
			if (!gives.product_id.trim() || !(gives.quantity >= 1)) return 'product';
			if (gives.cost != null && !isDecimal(gives.cost)) return 'amount';
			break;
		case 'points':
			if (!(Number.isInteger(gives.points) && gives.points >= 1)) return 'points';
			break;
	}
	if (offer.least && !isDecimal(offer.least.amount)) return 'least';
	if (window?.from && window.until && window.until.slice(0, 10) < window.from.slice(0, 10)) return 'window';
	if (offer.budgets?.some((it) => !isAmount(it.most) || (it.of === 'times' && !Number.isInteger(Number(it.most))))) return 'budgets';
	return '';
}

/** A cart that offers are tried on. Amounts are texts as they are typed. */
export interface CartLine { product_id: string; category: string; price: string; quantity: string; cost: string }
export interface TriedCart { lines: CartLine[]; shipping: string }
export const firstCart = (): TriedCart => ({ lines: [{ product_id: 'tent', category: '', price: '100', quantity: '1', cost: '' }, { product_id: 'mug', category: '', price: '12.50', quantity: '2', cost: '' }], shipping: '4.90' });
const number = (text: string) => Number(text.trim().replace(',', '.'));

/** The cart as the server reads it; null while a number in it is none. */
export function cartOf(cart: TriedCart, currency: string): Record<string, unknown> | null {
	const numbers = cart.lines.flatMap((it) => [number(it.price), number(it.quantity), number(it.cost || '0')]).concat(number(cart.shipping || '0'));
	if (cart.lines.length === 0 || numbers.some((it) => !Number.isFinite(it) || it < 0)) return null;
	const products = cart.lines.map((it) => ({ product_id: it.product_id.trim(), ...(it.category.trim() ? { category: it.category.trim() } : {}), price: number(it.price), quantity: number(it.quantity), ...(it.cost.trim() ? { cost: number(it.cost) } : {}) }));
	return { currency, shipping: number(cart.shipping || '0'), products };
}

/** What a line comes to before and after what was taken off it. */
export function lineAt(cart: TriedCart, at: number, priced: PricedCart): { before: number; after: number; by: string[] } {
	const line = cart.lines[at]!;
	const before = number(line.price) * number(line.quantity);
	const off = priced.effects.filter((it) => it.kind === 'discount' && it.line === at && Number(it.value) > 0);
	return { before, after: before - off.reduce((sum, it) => sum + Number(it.value), 0), by: [...new Set(off.map((it) => it.offer))] };
}

/** What came of an offer for a cart, and why. */
export function sayCame(line: PricedLine, offer: Offer | undefined, program: Program, nameOf: (key: string) => string): string {
	if (line.outcome === 'given') return offer ? sayOffer(offer, program) : '';
	if (line.outcome === 'instead') return t('offers.outcome.instead', { offer: nameOf(line.instead ?? '') });
	const budget = line.outcome === 'budget' && line.budget != null ? offer?.budgets?.[line.budget] : undefined;
	if (budget) return t('offers.outcome.budget_of', { budget: sayBudget(budget, program) });
	return term('offers.outcome', line.outcome);
}

/** How the ways of choosing differ for a cart: by how much the customer is better off by theirs than by the shop's, and what the shop keeps more by its own; null where it is not known what the goods cost. */
export function compareChoices(found: Record<Choice, Pick<PricedCart, 'to_pay' | 'margin' | 'lines'>>): { isSame: boolean; saves: number; keeps: number | null } {
	const { best_for_customer: customer, best_margin: shop } = found;
	const taken = ({ lines }: Pick<PricedCart, 'lines'>) => lines.filter((it) => Number(it.benefit) > 0).map((it) => `${it.offer} ${it.benefit}`).sort().join();
	const round = (value: number) => Math.round(value * 1e6) / 1e6;
	const isSame = CHOICES.every((choice) => found[choice].to_pay === customer.to_pay && taken(found[choice]) === taken(customer));
	const keeps = customer.margin == null || shop.margin == null ? null : round(Number(shop.margin) - Number(customer.margin));
	return { isSame, saves: round(Number(shop.to_pay) - Number(customer.to_pay)), keeps };
}

/** The guardrails of all offers, a sentence each. */
export function sayLimits(program: Program): string[] {
	const limits = limitsOf(program);
	const said = [t(`offers.choice.${limits.choice ?? 'in_order'}`)];
	const most = Number(limits.most_percent ?? 100);
	said.push(most < 100 ? t('offers.limit.most', { most: percent(limits.most_percent) }) : t('offers.limit.no_most'));
	said.push(limits.margin_floor_percent != null ? t('offers.limit.floor', { floor: percent(limits.margin_floor_percent) }) : t('offers.limit.no_floor'));
	if (limits.price_changes) said.push(t('offers.limit.changes', { n: limits.price_changes.most, days: limits.price_changes.days }));
	said.push(limits.protected?.length ? t('offers.limit.protected_own', { own: limits.protected.join(t('list.and')) }) : t('offers.limit.protected'));
	return said;
}
