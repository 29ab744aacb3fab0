// What members may pay of a receipt with points. Pure.
import type { Program, Wallet } from './loyalty';

export interface Paying {
	wallet: string;
	worth?: string | null;
	least?: number;
	step?: number;
	most?: string | null;
	told_within_days?: number;
}
/** Days within which a receipt is told, unless said. */
export const TOLD_WITHIN = 7;
/** Points and stamps; what the programme says of stored value is kept as it is. */
export const payable = (program: Program): Wallet[] => program.wallets.filter((it) => it.unit.kind !== 'money');
export const payingOf = (program: Program): Paying[] => program.paying ?? [];
/** What one is worth at the till; NaN without. */
export const worthAt = (paying: Paying, program: Program): number => Number(paying.worth ?? program.wallets.find((it) => it.key === paying.wallet)?.worth ?? NaN);
export const firstPaying = (wallet: Wallet): Paying => ({ wallet: wallet.key, ...(wallet.worth ? {} : { worth: '0.01' }), least: 100, step: 1, most: null, told_within_days: TOLD_WITHIN });

export type PayingLack = '' | 'wallet' | 'worth' | 'points' | 'share' | 'days';
/** What lacks of one; empty when nothing does. */
export function payingLack(paying: Paying, program: Program): PayingLack {
	const { least = 1, step = 1, most, told_within_days: days = TOLD_WITHIN } = paying;
	if (!program.wallets.some((it) => it.key === paying.wallet)) return 'wallet';
	if (!(worthAt(paying, program) > 0)) return 'worth';
	if (![least, step].every((it) => Number.isInteger(it) && it >= 1 && it <= 1e12)) return 'points';
	if (most != null && !(Number(most) > 0 && Number(most) <= 1)) return 'share';
	return Number.isInteger(days) && days >= 1 && days <= 90 ? '' : 'days';
}

/** The fewest points that can be paid: at least so many, in the steps, and worth a cent. */
export function fewest(paying: Paying, program: Program): number {
	const { least = 1, step = 1 } = paying;
	const cent = Math.ceil(0.01 / worthAt(paying, program) - 1e-9);
	return Math.ceil(Math.max(least, cent) / step) * step;
}
/** What so many points pay, in whole cents, cut. */
export const pays = (paying: Paying, program: Program, points: number): number => Math.floor(points * worthAt(paying, program) * 100 + 1e-6) / 100;
/** A share as per cent to read and type, and back; nothing is all of it. */
export const percentOf = (most: string | null | undefined): string => (most == null ? '' : String(Math.round(Number(most) * 10_000) / 100));
export const shareOf = (percent: string): string | null => (percent.trim() === '' ? null : String(Number((Number(percent.replace(',', '.')) / 100).toFixed(6))));
