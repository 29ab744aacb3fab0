// The books of the points: what adds up, and vintages as shares. Money comes as decimal texts and is summed in millionths, so that no binary fraction comes of it. Pure.
import type { components } from './api/schema';

type Schemas = components['schemas'];
export type Liability = Schemas['LoyaltyLiability'];
export type Month = Schemas['LiabilityMonth'];
export type Vintages = Schemas['PointsVintages'];
export type Vintage = Schemas['PointsVintage'];
export type Tried = Schemas['TriedEstimate'];

/** What comes in and goes out of a month, in the order of the table; `sign` says how it changes the balance. */
export const POINTS = [{ key: 'issued', sign: 1 }, { key: 'redeemed', sign: -1 }, { key: 'lapsed', sign: -1 }, { key: 'taken_back', sign: -1 }, { key: 'adjusted', sign: 1 }] as const;
export const MONEY = [{ key: 'deferred', sign: 1 }, { key: 'redeemed', sign: -1 }, { key: 'breakage', sign: -1 }, { key: 'taken_back', sign: -1 }, { key: 'adjusted', sign: 1 }] as const;

/** A decimal text in millionths. */
export function micros(text: string): number {
	const [, minus, whole, part = ''] = /^(-?)(\d+)(?:[.](\d{1,6}))?$/.exec(text) ?? [];
	if (whole === undefined) return NaN;
	const value = Number(whole) * 1_000_000 + Number(part.padEnd(6, '0'));
	return minus ? -value : value;
}

export interface Row {
	month: string;
	opening: number;
	/** By the keys of POINTS or MONEY. */
	moves: number[];
	closing: number;
}
export const pointsRow = (it: Month): Row => ({ month: it.month, opening: it.opening, moves: POINTS.map(({ key }) => it[key]), closing: it.closing });
/** In millionths. */
export const moneyRow = (it: Month): Row => ({ month: it.month, opening: micros(it.money.opening), moves: MONEY.map(({ key }) => micros(it.money[key])), closing: micros(it.money.closing) });

const reckoned = (row: Row, signs: readonly { sign: number }[]) => row.opening + row.moves.reduce((sum, move, at) => sum + signs[at].sign * move, 0);
/** The first month that does not come to its closing, or does not begin where the one before ended; null when all add up. */
export function firstGap(rows: Row[], signs: readonly { sign: number }[]): string | null {
	return rows.find((row, at) => reckoned(row, signs) !== row.closing || (at > 0 && rows[at - 1].closing !== row.opening))?.month ?? null;
}

/** All months as one. */
export const sumOf = (rows: Row[]): Row => ({ month: '', opening: rows[0]?.opening ?? 0, moves: (rows[0]?.moves ?? []).map((_, at) => rows.reduce((sum, row) => sum + row.moves[at], 0)), closing: rows.at(-1)?.closing ?? 0 });

/** The points of a vintage that are or were there to be redeemed: what was taken back never was. */
export const kept = (it: Vintage): number => it.redeemed + it.lapsed + it.left;
export const ratio = (points: number | null | undefined, of: number): number | null => (points == null || of <= 0 ? null : points / of);

/** By how much the estimate was off: positive when more came than was foreseen. Null where nothing was foreseen. */
export const offBy = (it: Tried): number | null => (it.foreseen > 0 ? it.came / it.foreseen - 1 : null);

/** The vintage that is told of in words: the youngest of which an interval is known, and which is at least so old. */
export const told = (rows: Vintage[], age = 6): Vintage | undefined => rows.filter((it) => kept(it) > 0 && it.low != null && it.high != null && it.redeemed_by_age.length > age).at(-1);
