// Rules tried on the past, and what rules brought in, as pages ask for and draw them. Pure.
import { dayIn, later, type Gives, type Rule, type RuleVersion, type Window } from './loyalty';

/** What becomes of a rule in a trial: it holds as its latest version says, it does not, or its number is another one. */
export type Trial = Record<string, string>;
export const isNumber = (as: string | undefined): as is string => as !== undefined && as !== 'on' && as !== 'off';

/** From an address, where it stands as spring:off,double:on,euro:2. */
export const readTrial = (text: string | null): Trial =>
	Object.fromEntries((text ?? '').split(',').flatMap((part) => { const [key, as] = part.split(':'); return /^[a-z0-9_-]{1,64}$/.test(key) && as && /^(on|off|\d{1,9}([.]\d{1,6})?)$/.test(as) ? [[key, as]] : []; }));
export const writeTrial = (trial: Trial): string => Object.entries(trial).map(([key, as]) => `${key}:${as}`).join(',');

/** The number of a rule that can be tried otherwise: by how much it multiplies, or how many points it gives. */
export const numberOf = (gives: Gives): { what: 'factor' | 'points'; now: string } => (gives.kind === 'times' ? { what: 'factor', now: gives.factor } : { what: 'points', now: String(gives.points) });
export function withNumber(rule: Rule, number: string): Rule {
	return { ...rule, gives: rule.gives.kind === 'times' ? { ...rule.gives, factor: number } : { ...rule.gives, points: Number(number) } };
}
export const isRightNumber = (gives: Gives, number: string): boolean => (gives.kind === 'times' ? Number(number) > 1 && Number(number) <= 100 : Number.isInteger(Number(number)) && Number(number) >= 1);

/** Which rules differ from those that are live: only what is said of a rule that makes a difference is sent. */
export function trialBody(rules: RuleVersion[], trial: Trial): { drafts: string[]; without: string[]; rules: Rule[] } {
	const body = { drafts: [] as string[], without: [] as string[], rules: [] as Rule[] };
	for (const { key, state, rule } of rules) {
		const as = trial[key];
		if (as === 'off' && state === 'live') body.without.push(key);
		else if (as === 'on' && state !== 'live') body.drafts.push(key);
		else if (isNumber(as) && !(state === 'live' && Number(as) === Number(numberOf(rule.gives).now))) body.rules.push(withNumber({ ...rule, key }, as));
	}
	return body;
}
export const differing = (body: ReturnType<typeof trialBody>): number => body.drafts.length + body.without.length + body.rules.length;

/** The instant at which a civil day begins in a zone. */
export function midnight(day: string, zone: string): string {
	const utc = Date.parse(`${day}T00:00:00Z`);
	const clock = new Intl.DateTimeFormat('en-CA', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' });
	/** By how much clocks there are ahead at an instant. */
	const ahead = (at: number) => {
		const part = Object.fromEntries(clock.formatToParts(at).map((it) => [it.type, it.value]));
		return Date.parse(`${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}:${part.second}Z`) - at;
	};
	// Twice, as the offset may change between the guess and the day's beginning.
	const guess = utc - ahead(utc);
	return new Date(utc - ahead(guess)).toISOString().replace('.000', '');
}
/** Civil days as the API takes a time: from the beginning of one until the end of the other. */
export const spanOf = (from: string, until: string, zone: string): { from: string; until: string } => ({ from: midnight(from, zone), until: midnight(later(until, 1, 'days'), zone) });
/** Whether a month is only partly within a time that begins or ends at an instant. */
export function isPartly(month: string, instant: string, zone: string): boolean {
	const day = dayIn(zone, Date.parse(instant));
	return day.slice(0, 7) === month && instant !== midnight(`${month}-01`, zone);
}
const LONGEST_DAYS = 5 * 365;
export const isSpan = (from: string, until: string): boolean => /^\d{4}-\d\d-\d\d$/.test(from) && from <= until && (Date.parse(until) - Date.parse(from)) / 86_400_000 < LONGEST_DAYS;

export const SIMULATION_TONES: Record<string, string> = { queued: '', running: 'on', done: 'good', cancelled: '', failed: 'bad' };

export interface Range {
	estimate: number;
	low: number;
	high: number;
}
/** A symmetric axis on which all of them lie; wild ends of what is hardly known do not press the others into the middle. */
export function axisEnd(ranges: (Range | null | undefined)[]): number {
	const known = ranges.filter((it): it is Range => !!it);
	const ends = Math.max(0, ...known.map((it) => Math.max(Math.abs(it.low), Math.abs(it.high))));
	return ends || 1;
}
/** Where a value lies on an axis from −end to end, 0 to 1. */
export const onAxis = (value: number, end: number): number => Math.min(1, Math.max(0, 0.5 + value / (2 * end)));

/** What is to be said of a difference: more, fewer, the same, or that its interval has 0 in it. */
export function course({ value, low, high }: { value: number; low: number; high: number }): 'same' | 'unclear' | 'more' | 'fewer' {
	if (value === 0 && low === 0 && high === 0) return 'same';
	if (low <= 0 && high >= 0) return 'unclear';
	return value > 0 ? 'more' : 'fewer';
}

/** The wallets of a result in the order of the programme; the one that is shown first is the first in which anything changes. */
export function ordered<W extends { wallet: string; gain: number; lose: number }>(wallets: W[], order: string[]): { wallets: W[]; first: W | undefined } {
	const at = (it: W) => (order.includes(it.wallet) ? order.indexOf(it.wallet) : order.length);
	const sorted = [...wallets].sort((a, b) => at(a) - at(b));
	return { wallets: sorted, first: sorted.find((it) => it.gain + it.lose > 0) ?? sorted[0] };
}

/** A campaign has a window or multiplies: it is the kind of rule of which some members are held out. */
export function isCampaign(rule: Rule): boolean {
	return rule.gives.kind === 'times' || isAtTimes(rule.window);
}
/** Whether a window leaves any time out. */
export const isAtTimes = (window: Window | undefined): boolean => !!(window && (window.from || window.until || window.weekdays?.length || window.from_hour != null || window.until_hour != null));
export const USUAL_HOLDOUT = 10;

/** The share of revenue that is margin, as it stands in an address; empty where that is none. */
export const marginOf = (text: string | null): string => (text && /^\d{1,3}([.]\d{1,2})?$/.test(text) && Number(text) <= 100 ? text : '');

export const VERDICT_TONES: Record<string, string> = { brings_in: 'good', pays: 'good', harms: 'bad', does_not_pay: 'bad', unclear: '', too_few: '', nobody_held_out: '' };
export const GROUPS = ['full_price', 'mixed', 'only_offers', 'too_few'] as const;
export type BuyingManner = (typeof GROUPS)[number];
