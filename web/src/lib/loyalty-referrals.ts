// Referral programmes, as staff write them, and what came of them. Pure: nothing here knows about the screen.
import type { ReferralFigures } from './api/loyalty';
import type { Tree } from './condition-tree';
import { digitsOf, isDecimal, type Cap, type Program, type RuleState, type Window } from './loyalty';

export const LEVELS = ['off', 'flag', 'block'] as const;
export type Level = (typeof LEVELS)[number];
export const SIGNALS = ['same_payment', 'closed_loop', 'same_device', 'same_address', 'same_network', 'alias', 'burst'] as const;
export type Signal = (typeof SIGNALS)[number];
export type Fraud = Record<Signal, Level> & { burst_most: number; burst_hours: number; suspend_after?: number | null; trace_days: number };
export interface Step { from: number; points: number }
export interface Qualifies { event: string; when?: Tree; minimum?: string | null; within_days: number }
/** What the console does not know of a referral programme it keeps as it is. */
export interface Referral {
	key?: string;
	name: string;
	place?: number;
	page: { address: string; words?: string; words_zh?: string };
	referrer?: { wallet?: string | null; steps: Step[] } | null;
	friend?: { wallet?: string | null; points: number } | null;
	qualifies: Qualifies;
	stands_days: number;
	newcomer: { seen_within_days?: number | null };
	window?: Window;
	caps?: Cap[];
	fraud: Fraud;
}
export interface ReferralVersion { key: string; version: number; state: RuleState; program: Referral; text: string; in_force_from: string; saved_at: string; saved_by: string }

export const MOST_STEPS = 20;
export const REFERRAL_STATES = ['joined', 'pending', 'review', 'rewarded', 'refused', 'taken_back'] as const;
export type ReferralState = (typeof REFERRAL_STATES)[number];
export const REFERRAL_TONES: Record<ReferralState, string> = { joined: '', pending: '', review: 'warn', rewarded: 'good', refused: '', taken_back: '' };

/** What signs of fraud do, unless somebody says otherwise. */
export const USUAL_FRAUD: Fraud = { same_device: 'flag', same_payment: 'block', same_network: 'flag', same_address: 'flag', alias: 'flag', closed_loop: 'block', burst: 'flag', burst_most: 10, burst_hours: 24, suspend_after: 5, trace_days: 30 };

export const firstReferral = (place: number): Referral => ({
	name: '',
	place,
	page: { address: '', words: '', words_zh: '' },
	referrer: { steps: [{ from: 1, points: 200 }] },
	friend: { points: 100 },
	qualifies: { event: 'Order Completed', minimum: null, within_days: 90 },
	stands_days: 14,
	newcomer: {},
	window: {},
	caps: [{ most: 10, of: 'times', per: 'member', every: 'year' }],
	fraud: USUAL_FRAUD
});

export type ReferralLack = '' | 'name' | 'page' | 'nobody' | 'points' | 'steps' | 'event' | 'minimum' | 'days' | 'window' | 'caps' | 'fraud';

const isWhole = (value: number | null | undefined, least: number, most: number) => value == null || (Number.isInteger(value) && value >= least && value <= most);
const isPoints = (points: number) => Number.isInteger(points) && points >= 1;
/** Where a friend can be sent: over https, to a host that is plain to see. */
export const isPage = (address: string): boolean => /^https:\/\/[a-z0-9][a-z0-9.:-]*([/?][^\s#"'<>\\`]*)?$/i.test(address) && address.length <= 500;

/** What lacks of a referral programme before it can be saved; empty when nothing does. */
export function referralLacks({ name, page, referrer, friend, qualifies, stands_days, newcomer, window, caps, fraud }: Referral): ReferralLack {
	if (!name.trim()) return 'name';
	if (!isPage(page.address)) return 'page';
	if (!referrer && !friend) return 'nobody';
	if (friend && !isPoints(friend.points)) return 'points';
	if (referrer?.steps.some((it) => !isPoints(it.points))) return 'points';
	if (referrer && (referrer.steps[0]?.from !== 1 || referrer.steps.some((it, at) => !Number.isInteger(it.from) || (at > 0 && it.from <= referrer.steps[at - 1].from)))) return 'steps';
	if (!qualifies.event) return 'event';
	if (qualifies.minimum != null && !(isDecimal(qualifies.minimum) && Number(qualifies.minimum) > 0)) return 'minimum';
	if (!isWhole(qualifies.within_days, 1, 730) || !isWhole(stands_days, 0, 730) || !isWhole(newcomer.seen_within_days, 0, 730)) return 'days';
	if (window?.from && window.until && window.until.slice(0, 10) < window.from.slice(0, 10)) return 'window';
	if (caps?.some((it) => !isPoints(it.most))) return 'caps';
	return isWhole(fraud.burst_most, 1, 10_000) && isWhole(fraud.burst_hours, 1, 720) && isWhole(fraud.suspend_after, 1, 1_000) && isWhole(fraud.trace_days, 1, 90) ? '' : 'fraud';
}

/** The programme as it is sent: its name on one line, without the key, which is in the address. */
export function tidiedReferral({ key: _, ...referral }: Referral): Referral {
	const { page } = referral;
	return { ...referral, name: referral.name.trim().replace(/\s+/g, ' '), page: { address: page.address.trim(), words: page.words?.trim() ?? '', words_zh: page.words_zh?.trim() ?? '' } };
}

/** What one point of a wallet is worth; null where nobody said. */
function worth(plan: Program, key: string | null | undefined): number | null {
	const wallet = plan.wallets.find((it) => it.key === key) ?? plan.wallets[0];
	if (!wallet) return null;
	if (wallet.unit.kind === 'money') return wallet.unit.currency === plan.currency ? 10 ** -digitsOf(wallet.unit.currency) : null;
	return wallet.worth ? Number(wallet.worth) : null;
}

/** What the points that members and friends have for it are worth; null where a wallet has no worth. */
export function costOf(figures: Pick<ReferralFigures, 'referrer_points' | 'friend_points'>, referral: Referral, plan: Program): number | null {
	const parts = [[figures.referrer_points, referral.referrer?.wallet], [figures.friend_points, referral.friend?.wallet]] as const;
	let sum = 0;
	for (const [points, wallet] of parts) {
		if (points === 0) continue;
		const one = worth(plan, wallet);
		if (one === null) return null;
		sum += points * one;
	}
	return sum;
}

/** How many friends came, did what counts, were rewarded, and lost it again. */
export function courseOf(by: Record<string, number>): { came: number; qualified: number; rewarded: number; taken_back: number; review: number } {
	const of = (state: ReferralState) => by[state] ?? 0;
	const qualified = of('pending') + of('review') + of('rewarded') + of('taken_back');
	return { came: REFERRAL_STATES.reduce((sum, state) => sum + of(state), 0), qualified, rewarded: of('rewarded'), taken_back: of('taken_back'), review: of('review') };
}
