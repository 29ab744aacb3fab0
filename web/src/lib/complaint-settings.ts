// How complaints are sorted and by when they should be answered, as its page edits them. Pure.
import type { ListEntry } from './complaints';
import { keyFrom } from './surveys';

export interface Holiday {
	day: string;
	name: string;
	open: string[];
	is_off: boolean;
}
export interface Rules {
	categories: ListEntry[];
	root_causes: ListEntry[];
	touchpoints: ListEntry[];
	hours: { zone: string; week: string[][]; holidays: Holiday[] };
	targets: { first_answer_minutes: number[]; resolution_minutes: number[] };
	page: { is_open: boolean; text: Record<string, string> };
}
export const LISTS = ['categories', 'root_causes', 'touchpoints'] as const;
export type ListName = (typeof LISTS)[number];
export const TARGETS = ['first_answer_minutes', 'resolution_minutes'] as const;

const clock = (text: string): number | null => {
	const found = /^(\d{1,2})(?:[:.](\d{2}))?$/.exec(text.trim());
	if (!found) return null;
	const [hour, minute] = [Number(found[1]), Number(found[2] ?? 0)];
	return hour < 24 && minute < 60 ? hour * 60 + minute : hour === 24 && minute === 0 ? 1_440 : null;
};
const shown = (minutes: number) => `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** "9-12:30, 13-17" as the server has it, in the order of the day; null where it cannot be read or two overlap. Nothing is closed. */
export function readHours(text: string): string[] | null {
	const spans: [number, number][] = [];
	for (const part of text.split(/[,，、;；]/).filter((it) => it.trim())) {
		const ends = part.split(/[-–—~至]/).map(clock);
		if (ends.length !== 2 || ends[0] === null || ends[1] === null || ends[0] >= ends[1]) return null;
		spans.push([ends[0], ends[1]]);
	}
	spans.sort((a, b) => a[0] - b[0]);
	if (spans.some(([from], i) => i > 0 && from < spans[i - 1][1])) return null;
	return spans.map(([from, to]) => `${shown(from)}-${shown(to)}`);
}
export const showHours = (intervals: string[]): string => intervals.map((it) => it.replace('-', '–')).join(', ');

/** The hours of a week, for the sentence about it. */
export function weekMinutes(week: string[][]): number {
	const of = (interval: string) => {
		const [from, to] = interval.split('-').map(clock);
		return (to ?? 0) - (from ?? 0);
	};
	return week.flat().reduce((sum, it) => sum + of(it), 0);
}

/** New entries have no key yet: it is made of their name, and never changes. Names that say nothing are left out. */
export function keyed(rules: Rules): Rules {
	const list = (entries: ListEntry[]) => {
		const taken = entries.map((it) => it.key).filter(Boolean);
		return entries.map((entry) => {
			const name = Object.fromEntries(Object.entries(entry.name).map(([language, text]) => [language, text.trim()]).filter(([, text]) => text));
			if (entry.key) return { ...entry, name };
			const base = keyFrom(name.en ?? '').slice(0, 36) || 'entry';
			let key = base;
			for (let n = 2; taken.includes(key); n++) key = `${base}_${n}`;
			taken.push(key);
			return { ...entry, key, name };
		});
	};
	const holidays = [...rules.hours.holidays].sort((a, b) => a.day.localeCompare(b.day));
	const text = Object.fromEntries(Object.entries(rules.page.text).filter(([, it]) => it.trim()));
	return { ...rules, categories: list(rules.categories), root_causes: list(rules.root_causes), touchpoints: list(rules.touchpoints), hours: { ...rules.hours, holidays }, page: { ...rules.page, text } };
}

/** Where something has to be said before it can be saved. */
export function unfinished(rules: Rules): ListName | 'holidays' | null {
	const nameless = LISTS.find((list) => rules[list].some((entry) => !Object.values(entry.name).some((text) => text.trim())));
	return nameless ?? (rules.hours.holidays.some((it) => !it.day) ? 'holidays' : null);
}
