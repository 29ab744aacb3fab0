// The size of a segment day by day. The server lists the days on which somebody came or went; the days between are as the one before. Pure.
import type { SegmentDay } from '$lib/api/types';

const DAY_MS = 86_400_000;
const FURTHEST = 366;

/** Every day from the first to today, at most the last year; the last of them is today and not over yet. */
export function everyDay(days: SegmentDay[], now: number): SegmentDay[] {
	if (days.length === 0) return [];
	const byDay = new Map(days.map((day) => [day.day, day]));
	const today = Math.floor(now / DAY_MS);
	const first = Math.max(Math.floor(Date.parse(`${days[0].day}T00:00:00Z`) / DAY_MS), today - FURTHEST + 1);
	const key = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
	let size = days.filter((day) => day.day < key(first)).at(-1)?.size ?? 0;
	return Array.from({ length: Math.max(0, today - first + 1) }, (_, i) => {
		const day = key(first + i);
		const known = byDay.get(day);
		size = known?.size ?? size;
		return known ?? { day, entered: 0, exited: 0, size };
	});
}

/** A moment within the day that has the day's name in every zone people live in but the outermost. */
export const noon = (day: string): string => `${day}T12:00:00Z`;
