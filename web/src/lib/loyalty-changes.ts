// Changes by hand, adjustments of many accounts, and what members had elsewhere, as pages show them. Pure.
import type { Every, Program } from './loyalty';

/** What the programme lets staff do by hand. */
export interface Staff {
	goodwill?: { role: string; wallet?: string | null; most: number; every: Every }[];
	alone?: { role: string; wallet?: string | null; most: number }[] | null;
	approve_within_hours?: number;
}
export const staffOf = (program: Program): Staff => (program.staff as Staff | undefined) ?? {};
const isOf = (program: Program, limit: { role: string; wallet?: string | null }, role: string, wallet: string) => limit.role === role && (limit.wallet ?? program.wallets[0]?.key) === wallet;

/** How many points somebody may change alone at once: null without a limit, 0 when somebody else must approve each. As the server decides it. */
export function aloneUpTo(program: Program, role: string, wallet: string, mayPost: boolean): number | null {
	const limits = staffOf(program).alone;
	if (!limits) return mayPost ? null : 0;
	return limits.find((limit) => isOf(program, limit, role, wallet))?.most ?? 0;
}

/** The limits within which somebody gives goodwill; none: they give none. */
export const goodwillOf = (program: Program, role: string, wallet: string) => (staffOf(program).goodwill ?? []).filter((limit) => isOf(program, limit, role, wallet));

export const CHANGE_STATES = ['approved', 'declined', 'refused', 'lapsed'] as const;
export type ChangeState = (typeof CHANGE_STATES)[number] | 'asked';
export const CHANGE_TONES: Record<string, string> = { asked: 'warn', approved: 'good', declined: '', refused: 'bad', lapsed: '' };

/** The server keeps a reason in so many bytes. */
const REASON_BYTES = 235;
/** A field takes so many letters. */
const REASON_LETTERS = 200;
export const isReason = (text: string): boolean => text.trim() !== '' && new TextEncoder().encode(text.trim()).length <= REASON_BYTES;

/** The beginning of a text that a reason may have: on one line, and cut where the server or the field would end it. */
export function cutReason(text: string): string {
	const line = [...text.replace(/\s+/g, ' ').trim()];
	if (line.length <= REASON_LETTERS && isReason(line.join(''))) return line.join('');
	let cut = line.slice(0, REASON_LETTERS - 1);
	while (cut.length > 0 && !isReason(`${cut.join('')}…`)) cut = cut.slice(0, -1);
	return cut.length > 0 ? `${cut.join('').trimEnd()}…` : '';
}

export const BULK_TONES: Record<string, string> = { draft: '', running: 'on', done: 'good', undoing: 'on', undone: '' };
export const BULK_MOST = 100_000;
/** Numbers of members out of what was pasted, each once; whatever is no number is named. */
export function memberNumbers(parts: string[]): { ids: string[]; wrong: string[] } {
	const isNumber = (text: string) => /^\d{1,19}$/.test(text);
	return { ids: [...new Set(parts.filter(isNumber))], wrong: parts.filter((it) => !isNumber(it)) };
}

/** How much of the work is done, of 1; undoing goes through all accounts again. */
export const workDone = (bulk: { members: number; through: number }): number => (bulk.members > 0 ? Math.min(1, bulk.through / bulk.members) : 1);
/** Accounts a second and how long the rest takes, from two looks at the work; null as long as nobody can say. */
export function pace(first: { done: number; at: number }, now: { done: number; at: number }, all: number): { rate: number; left: number } | null {
	const seconds = (now.at - first.at) / 1000;
	const rate = seconds > 0 ? (now.done - first.done) / seconds : 0;
	return rate > 0 ? { rate, left: Math.max(0, (all - now.done) / rate) } : null;
}

// What members had elsewhere comes as a file whose columns are named.
export const HISTORY_COLUMNS = ['who', 'points', 'at', 'expires_at', 'active_from', 'reference'] as const;
export type HistoryColumn = (typeof HISTORY_COLUMNS)[number];
export const NEEDED_COLUMNS: readonly HistoryColumn[] = ['who', 'points', 'at'];
export type HistoryColumns = Partial<Record<HistoryColumn, string>>;
export const WHO_IS = ['email', 'user_id', 'member_id'] as const;
export type WhoIs = (typeof WHO_IS)[number];
export const HISTORY_LINES = 20_000;

const GUESSES: Record<HistoryColumn, RegExp> = {
	who: /e-?mail|^mail|member|customer|user|kunde|邮箱|会员/i,
	points: /point|amount|balance|punkte|积分/i,
	at: /earned|created|^at$|^day$|date$|^date|booked|时间|日期/i,
	expires_at: /expir|^ends?$|valid.?(un)?til|lapse|到期|失效/i,
	active_from: /active|available.?from|valid.?from|生效/i,
	reference: /^ref|order|receipt|booking|^id$|订单/i
};
/** Which column is what, by its name; each column is one thing. */
export function guessColumns(head: string[]): HistoryColumns {
	const found: HistoryColumns = {};
	// What lapses and begins first: "expiry date" is no day on which something was earned.
	for (const meaning of ['expires_at', 'active_from', 'who', 'points', 'at', 'reference'] as const) {
		const name = head.find((it) => GUESSES[meaning].test(it) && !Object.values(found).includes(it));
		if (name) found[meaning] = name;
	}
	return found;
}

/** Who a column tells, by what is in it. */
export function guessWho(values: string[]): WhoIs {
	const filled = values.filter(Boolean);
	if (filled.some((it) => it.includes('@'))) return 'email';
	return filled.length > 0 && filled.every((it) => /^\d{12,19}$/.test(it)) ? 'member_id' : 'user_id';
}

/** What lacks before a file can be tried; empty when nothing does. */
export function historyLacks(columns: HistoryColumns, source: string): '' | 'who' | 'points' | 'at' | 'twice' | 'source' {
	const missing = NEEDED_COLUMNS.find((it) => !columns[it]);
	if (missing) return missing as 'who';
	const used = Object.values(columns).filter(Boolean);
	if (new Set(used).size < used.length) return 'twice';
	return /^[a-z0-9_-]{1,64}$/.test(source) ? '' : 'source';
}
