// The programme, its rules and its members as pages show them. Pure: nothing here knows about the screen.
import type { Condition } from './conditions';
import type { Tree } from './condition-tree';
import type { Households } from './loyalty-households';
import type { Jurisdiction } from './loyalty-laws';
import type { Paying } from './loyalty-paying';
import type { Ladder } from './tiers';

export const STATES = ['live', 'draft', 'paused', 'ended'] as const;
export type RuleState = (typeof STATES)[number];
export const STATE_TONES: Record<RuleState, string> = { live: 'good', draft: '', paused: 'warn', ended: '' };
export const STANDING_TONES: Record<string, string> = { active: '', blocked: 'bad', closed: 'warn' };

export type LengthUnit = 'days' | 'months' | 'years';
export const LENGTHS: LengthUnit[] = ['days', 'months', 'years'];
export const ROUNDINGS = ['day', 'month', 'quarter', 'half_year', 'year'] as const;
export type Rounding = (typeof ROUNDINGS)[number];
export type Expiry =
	| { kind: 'never' }
	| { kind: 'after'; count: number; unit: LengthUnit; rounding?: Rounding }
	| { kind: 'fixed'; days: [number, number][]; at_least_days?: number }
	| { kind: 'inactivity'; count: number; unit: LengthUnit };
export type Pending = { kind: 'no' } | { kind: 'return_window'; days: number };
export type Unit = { kind: 'points' } | { kind: 'stamps' } | { kind: 'money'; currency: string };
export const CLAWBACKS = ['pending_only', 'within_balance', 'into_arrears'] as const;

export interface Wallet {
	key: string;
	name: string;
	unit: Unit;
	worth?: string | null;
	expiry: Expiry;
	pending: Pending;
	clawback: (typeof CLAWBACKS)[number];
	amount_max?: number;
	balance_max?: number | null;
	arrears_max?: number;
}

/** What the console does not know of a programme it keeps as it is. */
export interface Program {
	name: string;
	zone: string;
	currency: string;
	rates?: { currency: string; worth: string }[];
	counts_from?: string | null;
	enrolment: { by: 'hand' } | { by: 'earning' } | { by: 'event'; event: string };
	wallets: Wallet[];
	groups?: { key: string; mode: 'first' | 'best' | 'all' }[];
	ladders?: Ladder[];
	jurisdictions?: Jurisdiction[];
	/** What households may do; there are none without it. */
	households?: Households | null;
	/** Which wallets pay at tills; none without it. */
	paying?: Paying[];
	[other: string]: unknown;
}

export interface ProgramVersion {
	version: number;
	program: Program;
	in_force_from: string;
	saved_at: string;
	saved_by: string;
}

export const BASES = ['with_tax', 'with_shipping', 'before_discounts', 'with_points'] as const;
export type Base = Partial<Record<(typeof BASES)[number], boolean>>;
export const ROUNDS = ['down', 'nearest', 'up'] as const;
export type Round = (typeof ROUNDS)[number];
export type Gives =
	| { kind: 'fixed'; points: number }
	| { kind: 'amount'; points: number; each: string; base?: Base; items?: Condition | null; round?: Round; full_steps?: boolean }
	| { kind: 'units'; points: number; items?: Condition | null; round?: Round }
	| { kind: 'number'; points: number; each: string; property: string; round?: Round }
	| { kind: 'times'; factor: string; rules?: string[] };
export const GIVES = ['amount', 'fixed', 'units', 'number', 'times'] as const;
export const EVERY = ['day', 'week', 'month', 'year', 'ever'] as const;
export type Every = (typeof EVERY)[number];
export interface Cap {
	most: number;
	of: 'points' | 'times';
	per: 'member' | 'everybody';
	every: Every;
}
export interface Window {
	from?: string | null;
	until?: string | null;
	weekdays?: number[];
	from_hour?: number | null;
	until_hour?: number | null;
}
export interface Rule {
	key?: string;
	name: string;
	place?: number;
	event: string;
	when?: Tree;
	gives: Gives;
	wallet?: string | null;
	group?: string | null;
	window?: Window;
	caps?: Cap[];
	pending?: Pending | null;
	expiry?: Expiry | null;
	holdout_percent?: number;
}
export interface RuleVersion {
	key: string;
	version: number;
	state: RuleState;
	rule: Rule;
	text: string;
	in_force_from: string;
	saved_at: string;
	saved_by: string;
}

/** A programme to begin with: a point for a euro or whatever the shop sells in. */
export function firstProgram(name: string, zone: string, currency: string): Program {
	return {
		name,
		zone,
		currency,
		enrolment: { by: 'earning' },
		wallets: [{ key: 'points', name: 'Points', unit: { kind: 'points' }, worth: '0.01', expiry: { kind: 'after', count: 12, unit: 'months', rounding: 'month' }, pending: { kind: 'return_window', days: 14 }, clawback: 'into_arrears' }],
		groups: []
	};
}

/** And its first rule. */
export const firstRule = (name: string): Rule => ({ name, place: 10, event: 'Order Completed', gives: { kind: 'amount', points: 1, each: '1' } });

/** A key made of a name. */
export const keyOf = (name: string): string => name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60).replace(/-+$/, '');

// Days are civil days of the programme's zone, written 2026-11-28 and reckoned at noon UTC, where no zone moves them.
const at = (day: string) => new Date(`${day}T12:00:00Z`);
const iso = (date: Date) => date.toISOString().slice(0, 10);

/** The day that it is in a zone. */
export function dayIn(zone: string, now: number): string {
	try {
		return new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(now);
	} catch {
		return iso(new Date(now));
	}
}

/** A month after 31 January is the last day of February. */
export function later(day: string, count: number, unit: LengthUnit): string {
	const date = at(day);
	if (unit === 'days') date.setUTCDate(date.getUTCDate() + count);
	else {
		const wanted = date.getUTCDate();
		date.setUTCDate(1);
		date.setUTCMonth(date.getUTCMonth() + count * (unit === 'years' ? 12 : 1));
		const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
		date.setUTCDate(Math.min(wanted, last));
	}
	return iso(date);
}

function rounded(day: string, rounding: Rounding): string {
	const months = { day: 0, month: 1, quarter: 3, half_year: 6, year: 12 }[rounding];
	if (!months) return day;
	const date = at(day);
	const end = Math.floor(date.getUTCMonth() / months) * months + months;
	return iso(new Date(Date.UTC(date.getUTCFullYear(), end, 0, 12)));
}

/** The last day on which points can be spent that are earned on a day; null when they do not lapse. */
export function lastDay(expiry: Expiry, day: string): string | null {
	switch (expiry.kind) {
		case 'never':
			return null;
		case 'after':
			return rounded(later(day, expiry.count, expiry.unit), expiry.rounding ?? 'day');
		case 'inactivity':
			return later(day, expiry.count, expiry.unit);
		case 'fixed': {
			const first = later(day, expiry.at_least_days ?? 0, 'days');
			const year = Number(first.slice(0, 4));
			const all = [year, year + 1].flatMap((year) => expiry.days.map(([month, of]) => iso(new Date(Date.UTC(year, month - 1, Math.min(of, new Date(Date.UTC(year, month, 0)).getUTCDate()), 12)))));
			return all.filter((one) => one >= first).sort()[0] ?? null;
		}
	}
}

/** From which day on points can be spent that are earned on a day; null when at once. */
export const firstDay = (pending: Pending, day: string): string | null => (pending.kind === 'no' ? null : later(day, pending.days + 1, 'days'));

/** What a condition looks at: the event, who did it, or both in one test that cannot be taken apart. */
function looksAt(tree: Tree): 'event' | 'who' | 'both' {
	if ('all' in tree || 'any' in tree) {
		const all = new Set(('all' in tree ? tree.all : (tree as { any: Tree[] }).any).map(looksAt));
		return all.size === 1 ? [...all][0] : 'both';
	}
	if ('not' in tree) return looksAt(tree.not);
	return 'property' in tree ? 'event' : 'who';
}

/** The condition of a rule in two parts that are edited apart; null when it cannot be taken apart, or names values. */
export function parted(when: Tree | null | undefined): { event: Condition | null; who: Tree | null } | null {
	if (!when || ('all' in when && when.all.length === 0)) return { event: null, who: null };
	if (when.with && Object.keys(when.with).length) return null;
	const items = 'all' in when ? when.all : [when];
	const kinds = items.map(looksAt);
	if (kinds.includes('both')) return null;
	const of = (kind: 'event' | 'who') => items.filter((_, i) => kinds[i] === kind);
	const joined = (some: Tree[]) => (some.length === 0 ? null : some.length === 1 ? some[0] : { all: some });
	return { event: joined(of('event')) as Condition | null, who: joined(of('who')) };
}

/** The two parts as one condition. */
export function together(event: Condition | null, who: Tree | null): Tree {
	const items = (part: Tree | null) => (part === null ? [] : 'all' in part && !part.with ? part.all : [part]);
	const all = [...items(event as Tree | null), ...items(who)];
	return all.length === 1 ? all[0] : { all };
}

/** What lacks of a rule before it can be saved; empty when nothing does. */
export function lacks(rule: Rule): '' | 'name' | 'event' | 'points' | 'each' | 'property' | 'factor' | 'window' | 'caps' {
	const { gives, window } = rule;
	if (!rule.name.trim()) return 'name';
	if (!rule.event) return 'event';
	if (gives.kind === 'times') return Number(gives.factor) > 1 && Number(gives.factor) <= 100 ? '' : 'factor';
	if (!(Number.isInteger(gives.points) && gives.points >= 1)) return 'points';
	if ((gives.kind === 'amount' || gives.kind === 'number') && !(Number(gives.each) > 0)) return 'each';
	if (gives.kind === 'number' && !gives.property) return 'property';
	if (window?.from && window.until && window.until.slice(0, 10) < window.from.slice(0, 10)) return 'window';
	if (rule.caps?.some((cap) => !(Number.isInteger(cap.most) && cap.most >= 1))) return 'caps';
	return '';
}

/** Millionths as a decimal text, and back: rates are texts so that no binary fraction comes of them. */
export const isDecimal = (text: string): boolean => /^\d{1,12}([.]\d{1,6})?$/.test(text);

/** How many smallest units a currency has. */
export function digitsOf(currency: string): number {
	try {
		return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
	} catch {
		return 2;
	}
}

/** In which order a lot's parts are drawn. */
export const PARTS = ['available', 'held', 'pending'] as const;
export interface LotLike {
	amount: number;
	pending: number;
	available: number;
	held: number;
}
/** The parts of a lot's bar in hundredths of the longest lot: what is left, part by part, and what is gone. */
export function bar(lot: LotLike, longest: number): { part: (typeof PARTS)[number] | 'gone'; width: number }[] {
	const left = lot.pending + lot.available + lot.held;
	const width = (points: number) => (longest > 0 ? (100 * points) / longest : 0);
	const parts = PARTS.map((part) => ({ part, width: width(lot[part]) }));
	return [...parts, { part: 'gone' as const, width: width(Math.max(0, lot.amount - left)) }].filter((it) => it.width > 0);
}

/** What became of a lot's points: how many went where, less what came back. */
export function wentWhere(movements: { from: string; to: string; amount: number }[]): { place: string; points: number }[] {
	const own = new Set(['pending', 'available', 'held']);
	const sums = new Map<string, number>();
	movements.forEach(({ from, to, amount }, index) => {
		if (index > 0 && own.has(from) && !own.has(to)) sums.set(to, (sums.get(to) ?? 0) + amount);
		if (index > 0 && !own.has(from) && own.has(to)) sums.set(from, (sums.get(from) ?? 0) - amount);
	});
	return [...sums].filter(([, points]) => points > 0).map(([place, points]) => ({ place, points }));
}
