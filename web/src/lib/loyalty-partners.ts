// Partners, as staff write them, and what their months say. Pure: nothing here knows about the screen.
import { isDecimal, type Every, type Round, type RuleState } from './loyalty';
import { micros } from './liability';

export interface Giving { price: string; per_unit?: string | null; round?: Round }
export interface Burning { price: string; worth?: string | null; round?: Round }
export const WAYS = ['given', 'burned'] as const;
export type Way = (typeof WAYS)[number];
export interface PartnerLimit { of: Way; most: number; per: 'member' | 'everybody'; every: Every }
/** What the console does not know of a partner it keeps as it is. */
export interface Partner {
	key?: string;
	name: string;
	place?: number;
	words?: string;
	wallet?: string | null;
	currency: string;
	gives?: Giving | null;
	burns?: Burning | null;
	limits?: PartnerLimit[];
	late_days?: number;
	keys?: string[];
}
/** `balance` and `to_close` are said in the list only. */
export interface PartnerVersion { key: string; version: number; state: RuleState; partner: Partner; balance?: string | null; to_close?: string | null; in_force_from: string; saved_at: string; saved_by: string }

export const MOST_LIMITS = 10;
export const MOST_KEYS = 20;
export const LATE_DAYS = { usual: 92, most: 730 };
export const firstPartner = (place: number, currency: string): Partner => ({ name: '', words: '', place, wallet: null, currency, gives: { price: '0.012', per_unit: '1', round: 'down' }, burns: { price: '0.008', worth: '0.01', round: 'up' }, limits: [], late_days: LATE_DAYS.usual, keys: [] });

export type PartnerLack = '' | 'name' | 'currency' | 'nothing' | 'price' | 'rate' | 'limits' | 'late';
const isPrice = (text: string | null | undefined, least = 0): boolean => !!text && isDecimal(text) && Number(text) <= 1_000_000 && micros(text) >= least;

/** What lacks of a partner before it can be saved; empty when nothing does. */
export function partnerLacks({ name, currency, gives, burns, limits, late_days }: Partner): PartnerLack {
	if (!name.trim()) return 'name';
	if (!/^[A-Z]{3}$/.test(currency)) return 'currency';
	if (!gives && !burns) return 'nothing';
	if ((gives && !isPrice(gives.price)) || (burns && !isPrice(burns.price))) return 'price';
	if ((gives?.per_unit != null && !isPrice(gives.per_unit, 1)) || (burns?.worth != null && !isPrice(burns.worth, 1))) return 'rate';
	if (limits?.some((it) => !(Number.isInteger(it.most) && it.most >= 1 && it.most <= 1e12))) return 'limits';
	const late = late_days ?? LATE_DAYS.usual;
	if (!(Number.isInteger(late) && late >= 1 && late <= LATE_DAYS.most)) return 'late';
	return '';
}

/** The partner as it is sent: its name on one line, without its key, which is in the address. */
export const tidiedPartner = ({ key: _, ...it }: Partner): Partner => ({ ...it, name: it.name.trim().replace(/\s+/g, ' '), words: it.words?.trim() ?? '' });

function shared(amount: bigint, rate: bigint, each: bigint, round: Round): number {
	const product = amount * rate;
	if (round === 'nearest') return Number((2n * product + each) / (2n * each));
	return Number(round === 'up' ? (product + each - 1n) / each : product / each);
}
const MILLION = 1_000_000n;
/** Millionths as a decimal text. */
export function decimal(amount: bigint): string {
	const [sign, size] = amount < 0n ? ['-', -amount] : ['', amount];
	const part = String(size % MILLION).padStart(6, '0').replace(/0+$/, '');
	return `${sign}${size / MILLION}${part && `.${part}`}`;
}

/** What somebody who spends so much there earns, or burns to pay it, and what the points cost; null where the partner tells points, or they do not go that way. */
export function comesTo(partner: Partner, way: Way, units: number): { points: number; money: string } | null {
	const { gives, burns } = partner;
	const terms = way === 'given' ? gives : burns;
	const rate = way === 'given' ? gives?.per_unit : burns?.worth;
	if (!terms || !isPrice(terms.price) || !isPrice(rate, 1)) return null;
	const [amount, of] = [BigInt(Math.round(units * 1e6)), BigInt(micros(rate!))];
	const points = way === 'given' ? shared(amount, of, MILLION * MILLION, terms.round ?? 'down') : shared(amount, 1n, of, terms.round ?? 'up');
	return { points, money: decimal(BigInt(points) * BigInt(micros(terms.price))) };
}

/** By how much a line changes what the partner owes: as the server's file says it. */
export const owed = (kind: string, money: string): number => (kind === 'given' || kind === 'burned_back' ? 1 : -1) * Number(money);

/** Who owes after a balance. */
export const whoOwes = (balance: string): 'partner' | 'programme' | 'nobody' => (Number(balance) > 0 ? 'partner' : Number(balance) < 0 ? 'programme' : 'nobody');

/** The first instant of a day in a zone. Where clocks change then, it may be an hour off, which its own offset says. */
export function startOf(day: string, zone: string): string {
	const noon = new Date(`${day}T12:00:00Z`);
	const midnight = new Date(`${day}T00:00:00Z`);
	const offset = (at: Date) => {
		const name = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(at).find((it) => it.type === 'timeZoneName')?.value ?? 'GMT';
		return name === 'GMT' ? '+00:00' : name.slice(3);
	};
	const minutes = (text: string) => (text.startsWith('-') ? -1 : 1) * (Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6)));
	const guess = new Date(midnight.getTime() - minutes(offset(noon)) * 60_000);
	return `${day}T00:00:00${offset(guess)}`;
}

// The partner's own list.
export const LIST_COLUMNS = ['reference', 'points', 'money'] as const;
export type ListColumn = (typeof LIST_COLUMNS)[number];
export type ListColumns = Partial<Record<ListColumn, string>>;
export const LIST_LINES = 100_000;
const GUESSES: Record<ListColumn, RegExp> = { reference: /ref|booking|receipt|ticket|number|^id$|beleg|编号|单号/i, points: /point|miles|pts|punkte|积分/i, money: /money|amount|sum|cost|price|eur|usd|betrag|金额/i };

/** Which column of a file is probably what, by its name. */
export function guessList(head: string[]): ListColumns {
	const found: ListColumns = {};
	for (const meaning of LIST_COLUMNS) {
		const name = head.find((it) => GUESSES[meaning].test(it) && !Object.values(found).includes(it));
		if (name) found[meaning] = name;
	}
	return found;
}

/** What lacks before a list can be compared; empty when nothing does. */
export function listLacks(columns: ListColumns, lines: number): '' | 'lines' | 'many' | 'reference' | 'twice' {
	if (lines === 0) return 'lines';
	if (lines > LIST_LINES) return 'many';
	if (!columns.reference) return 'reference';
	const used = Object.values(columns).filter(Boolean);
	return new Set(used).size < used.length ? 'twice' : '';
}

/** What was pasted out of a spreadsheet has tabs, or semicolons where a comma is a decimal sign: as CSV with commas, so that the server reads what is shown. */
export function asCsv(text: string): string {
	const first = text.split(/\r?\n/, 1)[0] ?? '';
	const sign = ['\t', ';'].find((it) => first.includes(it) && !first.includes(','));
	if (!sign) return text;
	const cell = (it: string) => (/[",]/.test(it) && !/^".*"$/.test(it) ? `"${it.replaceAll('"', '""')}"` : it);
	return text.split(/\r?\n/).map((line) => line.split(sign).map(cell).join(',')).join('\n');
}
