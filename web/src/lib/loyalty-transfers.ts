// What members send each other: what the programme allows, and what can be done with what was sent. Pure.
import type { components } from './api/schema';
import type { Program } from './loyalty';

/** Names are said in lists. */
export type Transfer = components['schemas']['LoyaltyTransfer'] & { member_name?: string | null; to_member_name?: string | null };
export const LAPSES = ['keep', 'anew'] as const;
export interface Transfers {
	wallets: string[];
	least?: number;
	most?: number | null;
	out_per_year?: number | null;
	in_per_year?: number | null;
	times_per_year?: number | null;
	member_days?: number;
	expiry?: (typeof LAPSES)[number];
	claim_days?: number | null;
}
export const transfersOf = (program: Program): Transfers | null => (program.transfers as Transfers | null | undefined) ?? null;
export const firstTransfers = (program: Program): Transfers => ({ wallets: program.wallets.slice(0, 1).map((it) => it.key), least: 100, most: 10_000, out_per_year: 50_000, in_per_year: null, times_per_year: 6, member_days: 30, expiry: 'keep', claim_days: 14 });

export type TransferLack = '' | 'wallets' | 'limits' | 'below' | 'times' | 'days';
const within = (n: number | null | undefined, least: number, most: number) => n == null || (Number.isInteger(n) && n >= least && n <= most);

/** What lacks of what the programme allows; empty when nothing does. */
export function transfersLack({ wallets, least = 1, most, out_per_year, in_per_year, times_per_year, member_days, claim_days }: Transfers, program: Program): TransferLack {
	if (wallets.length === 0 || wallets.some((key) => !program.wallets.some((it) => it.key === key))) return 'wallets';
	const limits = [most, out_per_year, in_per_year];
	if (![least, ...limits].every((it) => within(it, 1, 1e12))) return 'limits';
	if (limits.some((it) => it != null && it < least)) return 'below';
	if (!within(times_per_year, 1, 4_294_967_295)) return 'times';
	return within(member_days, 0, 3_650) && within(claim_days, 1, 365) ? '' : 'days';
}

/** How many a member may send at once, as far as the programme says. */
export const fits = (points: number, { least = 1, most }: Transfers): boolean => Number.isInteger(points) && points >= least && (most == null || points <= most);

export const TRANSFER_TONES: Record<string, string> = { open: 'warn', done: 'good', claimed: 'good', refused: 'bad' };
/** What staff can do with what was sent: call a gift off that waits, undo what arrived. */
export function actOn(row: Pick<Transfer, 'state' | 'is_gift'>): 'cancel' | 'undo' | null {
	if (row.state === 'open') return 'cancel';
	return row.state === 'done' || row.state === 'claimed' ? 'undo' : null;
}
