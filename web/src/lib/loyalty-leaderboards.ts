// Leaderboards, as staff write them. Pure: nothing here knows about the screen.
import type { RuleState } from './loyalty';
import { isPicture } from './loyalty-challenges';

export type Ranks = { kind: 'points'; wallet?: string | null } | { kind: 'challenge'; challenge: string };
export const BOARD_PERIODS = ['day', 'week', 'month', 'quarter', 'year', 'ever'] as const;
export type BoardPeriod = (typeof BOARD_PERIODS)[number];
export interface Prize { to_place: number; points?: number | null; wallet?: string | null; badge?: string | null }
/** What the console does not know of a leaderboard it keeps as it is. */
export interface Leaderboard {
	key?: string;
	name: string;
	words?: string;
	picture?: string | null;
	place?: number;
	ranks: Ranks;
	period: { kind: BoardPeriod };
	from?: string | null;
	until?: string | null;
	shown?: number;
	settles_after_days?: number;
	prizes?: Prize[];
}
export interface LeaderboardVersion { key: string; version: number; state: RuleState; leaderboard: Leaderboard; period?: string | null; period_end?: string | null; members?: number | null; in_force_from: string; saved_at: string; saved_by: string }

export const MOST_PRIZES = 20;
export const firstLeaderboard = (place: number): Leaderboard => ({ name: '', words: '', picture: null, place, ranks: { kind: 'points', wallet: null }, period: { kind: 'month' }, from: null, until: null, shown: 10, settles_after_days: 3, prizes: [{ to_place: 1, points: 500 }, { to_place: 3, points: 100 }] });

export type BoardLack = '' | 'name' | 'picture' | 'challenge' | 'window' | 'endless' | 'shown' | 'settles' | 'places' | 'points' | 'nothing';
const isWhole = (n: number | null | undefined, least: number, most: number) => n != null && Number.isInteger(n) && n >= least && n <= most;

/** What lacks of a leaderboard before it can be saved; empty when nothing does. */
export function boardLacks({ name, picture, ranks, period, from, until, shown, settles_after_days, prizes }: Leaderboard): BoardLack {
	if (!name.trim()) return 'name';
	if (!isPicture(picture)) return 'picture';
	if (ranks.kind === 'challenge' && !ranks.challenge) return 'challenge';
	if (from && until && until.slice(0, 10) < from.slice(0, 10)) return 'window';
	if (period.kind === 'ever' && !until && prizes?.length) return 'endless';
	if (!isWhole(shown ?? 10, 1, 100)) return 'shown';
	if (!isWhole(settles_after_days ?? 0, 0, 60)) return 'settles';
	let before = 0;
	for (const prize of prizes ?? []) {
		if (!isWhole(prize.to_place, before + 1, 1_000)) return 'places';
		if (prize.points == null && !prize.badge) return 'nothing';
		if (prize.points != null && !isWhole(prize.points, 1, 1e12)) return 'points';
		before = prize.to_place;
	}
	return '';
}

/** The leaderboard as it is sent: its name on one line, without its key, which is in the address. */
export const tidiedBoard = ({ key: _, ...it }: Leaderboard): Leaderboard => ({ ...it, name: it.name.trim().replace(/\s+/g, ' '), words: it.words?.trim() ?? '' });

/** The first place that a prize is for: the one behind the prize before it. */
export const fromPlace = (prizes: Prize[], at: number): number => (prizes[at - 1]?.to_place ?? 0) + 1;

/** The kind of a period and its first day, out of its name: `month 2026-05-01`; `ever` has no day. */
export function periodOf(name: string): { kind: string; day: string | null } {
	const [kind, day] = name.split(' ');
	return { kind: kind ?? name, day: day && /^\d{4}-\d\d-\d\d$/.test(day) ? day : null };
}
