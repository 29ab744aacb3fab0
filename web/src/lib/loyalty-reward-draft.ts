// A reward while it is written: what it begins with, what lacks of it, and what is sent. Pure: nothing here knows about the screen.
import { toDraft, unfinished, type Tree } from './condition-tree';
import { isDecimal, type Every } from './loyalty';
import type { Price, Reward, RewardGives } from './loyalty-rewards';

export const REWARD_KINDS = ['discount', 'code', 'pool', 'delivered', 'donation', 'gift_card'] as const;
export const MOST_PRICES = 20;
export const MOST_LIMITS = 10;
export const FOR_ALL: Tree = { all: [] };
export interface Limit { most: number; per: 'member' | 'everybody'; every: Every }

export const FIRST_GIVES: Record<RewardGives['kind'], RewardGives> = {
	discount: { kind: 'discount', off: { kind: 'percent', percent: '10' }, at_least: null },
	code: { kind: 'code', uses: 1 },
	pool: { kind: 'pool', pool: '' },
	delivered: { kind: 'delivered' },
	donation: { kind: 'donation', charity: '', amount: '1' },
	gift_card: { kind: 'gift_card', amount: 1000 }
};
export const firstPrice = (): Price => ({ points: 500, money: null, when: FOR_ALL });
export const firstReward = (place: number): Reward => ({ name: '', place, words: '', picture: null, gives: FIRST_GIVES.discount, prices: [firstPrice()], when: FOR_ALL, stock: null, limits: [], window: {}, valid: { kind: 'after', count: 3, unit: 'months' } });

const isKey = (text: string) => /^[a-z0-9_-]{1,64}$/.test(text);
const isAmount = (text: unknown) => isDecimal(String(text)) && Number(text) > 0 && Number(text) <= 1_000_000;
const isCount = (count: number, least = 1) => Number.isInteger(count) && count >= least && count <= 1_000_000_000_000;
const isEmpty = (when: Tree | undefined) => !when || unfinished(toDraft(when).group) === 0;

export type RewardLack = '' | 'name' | 'picture' | 'pool' | 'charity' | 'amount' | 'gift_card' | 'percent' | 'at_least' | 'uses' | 'points' | 'money' | 'condition' | 'stock' | 'limits' | 'valid' | 'surprises' | 'days' | 'window';

function lacksOfGives(gives: RewardGives): RewardLack {
	switch (gives.kind) {
		case 'pool':
			return isKey(gives.pool) ? '' : 'pool';
		case 'code':
			return isCount(gives.uses ?? 1) && (gives.uses ?? 1) <= 65_535 ? '' : 'uses';
		case 'discount':
			if (gives.at_least != null && !isAmount(gives.at_least)) return 'at_least';
			if (gives.off.kind === 'amount') return isAmount(gives.off.amount) ? '' : 'amount';
			return isDecimal(gives.off.percent) && Number(gives.off.percent) > 0 && Number(gives.off.percent) <= 100 ? '' : 'percent';
		case 'delivered':
			return '';
		case 'donation':
			return !isKey(gives.charity) ? 'charity' : isAmount(gives.amount) ? '' : 'amount';
		case 'gift_card':
			return isCount(gives.amount) ? '' : 'gift_card';
	}
}

/** What lacks of a reward before it can be saved; empty when nothing does. */
export function rewardLacks(reward: Reward): RewardLack {
	const { picture, prices, window, valid } = reward;
	if (!reward.name.trim()) return 'name';
	if (picture && !(picture.startsWith('https://') && new TextEncoder().encode(picture).length <= 500)) return 'picture';
	const gives = lacksOfGives(reward.gives);
	if (gives) return gives;
	if (!prices.length || prices.some((it) => !isCount(it.points, 0))) return 'points';
	if (prices.some((it) => it.money != null && !isAmount(it.money))) return 'money';
	if (![reward.when, ...prices.map((it) => it.when)].every((it) => isEmpty(it))) return 'condition';
	if (reward.stock != null && !isCount(reward.stock, 0)) return 'stock';
	if (reward.limits?.some((it) => !isCount(it.most))) return 'limits';
	if (window?.from && window.until && window.until < window.from) return 'window';
	if (valid?.kind === 'inactivity' || (valid?.kind === 'fixed' && !valid.days.length)) return 'valid';
	if (reward.surprises && !isCount(reward.surprises.most)) return 'surprises';
	const within = (value: number | null | undefined, least: number, most: number) => value == null || (Number.isInteger(value) && value >= least && value <= most);
	return within(reward.fulfil_within_days, 1, 365) && within(reward.pay_within_minutes, 1, 10_080) && within(reward.cancel_within_hours, 0, 4_294_967_295) ? '' : 'days';
}

/** The reward as it is sent: its name on one line, without the key, which is in the address. */
export function tidiedReward({ key: _, ...reward }: Reward): Reward {
	return { ...reward, name: reward.name.trim().replace(/\s+/g, ' '), words: reward.words?.trim() ?? '', picture: reward.picture?.trim() || null };
}

/** A list with one of its items moved by so many places, as far as there are any. */
export function moved<T>(list: T[], at: number, by: number): T[] {
	const to = at + by;
	if (to < 0 || to >= list.length) return list;
	const next = [...list];
	[next[at], next[to]] = [next[to], next[at]];
	return next;
}

/** Prices that nobody comes to, since one before them of the same kind (in points alone, or with money) in the same wallet is for everybody. */
export function unreachable(prices: Price[], firstWallet: string): boolean[] {
	const closed = new Set<string>();
	return prices.map((price) => {
		const wallet = `${price.wallet ?? firstWallet} ${price.money ? 'money' : ''}`;
		const isClosed = closed.has(wallet);
		if (!price.when || JSON.stringify(price.when) === JSON.stringify(FOR_ALL)) closed.add(wallet);
		return isClosed;
	});
}
