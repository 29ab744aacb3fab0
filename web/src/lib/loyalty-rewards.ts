// Rewards, as staff write them, and in words.
import { f, t } from './i18n/index.svelte';
import type { Tree } from './condition-tree';
import type { Every, Expiry, RuleState, Program, Window } from './loyalty';
import type { Limit } from './loyalty-reward-draft';
import { amountIn } from './loyalty-words';

export type Off = { kind: 'percent'; percent: string } | { kind: 'amount'; amount: string };
export type RewardGives =
	| { kind: 'pool'; pool: string }
	| { kind: 'code'; uses?: number }
	| { kind: 'discount'; off: Off; at_least?: string | null }
	| { kind: 'delivered' }
	| { kind: 'donation'; charity: string; amount: string }
	| { kind: 'gift_card'; wallet?: string; amount: number };
export interface Price { wallet?: string | null; points: number; money?: string | null; when?: Tree }
/** What the console does not know of a reward it keeps as it is. */
export interface Reward {
	key?: string;
	name: string;
	place?: number;
	words?: string;
	picture?: string | null;
	gives: RewardGives;
	prices: Price[];
	when?: Tree;
	stock?: number | null;
	limits?: Limit[];
	window?: Window;
	valid?: Expiry;
	pay_within_minutes?: number;
	fulfil_within_days?: number;
	cancel_within_hours?: number | null;
	surprises?: { most: number; every: Every } | null;
}
export interface RewardVersion { key: string; version: number; state: RuleState; reward: Reward; text: string; in_force_from: string; saved_at: string; saved_by: string }

const money = (amount: string, program: Program) => f.money(Number(amount), program.currency);

/** The wallet that a gift card belongs to: the first that keeps money, unless one is named. */
export const giftCardWallet = (key: string | undefined, program: Program) => program.wallets.find((it) => (key ? it.key === key : it.unit.kind === 'money'));

/** What members get. */
export function sayReward(gives: RewardGives, program: Program): string {
	switch (gives.kind) {
		case 'pool':
			return t('rewards.kind.pool', { pool: gives.pool });
		case 'code':
			return t('rewards.kind.code', { n: gives.uses ?? 1 });
		case 'discount': {
			const off = gives.off.kind === 'percent' ? f.percent(Number(gives.off.percent) / 100, 0) : money(gives.off.amount, program);
			return gives.at_least ? t('rewards.kind.discount_from', { off, least: money(gives.at_least, program) }) : t('rewards.kind.discount', { off });
		}
		case 'delivered':
			return t('rewards.kind.delivered');
		case 'donation':
			return t('rewards.kind.donation', { amount: money(gives.amount, program), charity: gives.charity });
		case 'gift_card':
			return t('rewards.kind.gift_card', { amount: amountIn(giftCardWallet(gives.wallet, program)?.unit, gives.amount) });
	}
}

export const isForAll = (when: unknown): boolean => !when || JSON.stringify(when) === '{"all":[]}';

/** One price, whoever it is for. */
export function sayPrice(price: Price, program: Program): string {
	const unit = (program.wallets.find((it) => it.key === price.wallet) ?? program.wallets[0])?.unit;
	const points = amountIn(unit, price.points);
	return price.money ? t('rewards.price.both', { points, money: money(price.money, program) }) : points;
}

/** What it costs: each price in the order in which they are tried. */
export function sayPrices(prices: Price[], program: Program): string {
	const one = (price: Price): string => {
		const cost = sayPrice(price, program);
		return isForAll(price.when) ? cost : t('rewards.price.for', { price: cost });
	};
	return prices.map(one).join(t('rewards.price.or'));
}

/** What is to be done next for a redemption that waits. */
export const nextStep = (row: { money?: string | null; paid_at?: string | null }): 'paid' | 'fulfil' => (row.money && !row.paid_at ? 'paid' : 'fulfil');

/** Rewards that staff may give for nothing now. */
export const surprisesOf = (rewards: RewardVersion[]): RewardVersion[] => rewards.filter((it) => it.state === 'live' && it.reward.surprises);

export const REDEMPTION_TONES: Record<string, string> = { requested: 'warn', fulfilled: 'good', used: 'good', failed: 'bad', refused: 'bad' };
export const REDEMPTION_STATES = ['requested', 'fulfilled', 'used', 'failed', 'cancelled', 'expired', 'refused'] as const;
/** How a redemption stands, in a word: what is not delivered by anybody is the member's, not delivered. */
export function standsAs(row: { state: string; kind: string }): (typeof REDEMPTION_STATES)[number] | 'ready' {
	if (row.state === 'fulfilled' && row.kind !== 'delivered') return 'ready';
	return REDEMPTION_STATES.find((it) => it === row.state) ?? 'requested';
}
