// What households may do, and what staff do with one. Pure.
import type { Program } from './loyalty';

export const WHO_SPENDS = ['everyone', 'head'] as const;
export interface Households {
	wallets: string[];
	most_members?: number;
	joins_per_year?: number | null;
	who_spends?: (typeof WHO_SPENDS)[number];
	used_per_month?: number | null;
	invitation_days?: number;
}
/** Stored value is its owner's alone. */
export const sharable = (program: Program) => program.wallets.filter((it) => it.unit.kind !== 'money');
export const householdsOf = (program: Program): Households | null => program.households ?? null;
export const firstHouseholds = (program: Program): Households => ({ wallets: sharable(program).slice(0, 1).map((it) => it.key), most_members: 6, joins_per_year: 2, who_spends: 'everyone', used_per_month: 50_000, invitation_days: 14 });

export type HouseholdsLack = '' | 'wallets' | 'members' | 'joins' | 'used' | 'days';
const within = (n: number | null | undefined, least: number, most: number) => n == null || (Number.isInteger(n) && n >= least && n <= most);

/** What lacks of what households may do; empty when nothing does. */
export function householdsLack({ wallets, most_members, joins_per_year, used_per_month, invitation_days }: Households, program: Program): HouseholdsLack {
	const known = sharable(program).map((it) => it.key);
	if (wallets.length === 0 || wallets.some((key) => !known.includes(key))) return 'wallets';
	if (!within(most_members, 2, 20)) return 'members';
	if (!within(joins_per_year, 1, 4_294_967_295)) return 'joins';
	if (!within(used_per_month, 1, 1e12)) return 'used';
	return within(invitation_days, 1, 90) ? '' : 'days';
}

/** What staff do with a household. */
export const HOUSEHOLD_ACTS = ['found', 'invite', 'accept', 'decline', 'withdraw', 'remove', 'hand', 'close'] as const;
export type HouseholdActKind = (typeof HOUSEHOLD_ACTS)[number];
/** What somebody might have wished otherwise needs a reason. */
export const needsReason = (act: HouseholdActKind): boolean => ['accept', 'remove', 'hand', 'close'].includes(act);
/** What is asked for: where it is sent, whom or what it is about, and whom it cannot be about. */
export interface HouseholdAsk { act: HouseholdActKind; path: string; name: string; member?: string; without?: string[] }
/** A name that others read, as far as the page can tell; the server knows more. */
export const isName = (text: string): boolean => text.trim() !== '' && [...text.trim()].length <= 40 && !/[@/]/.test(text);
