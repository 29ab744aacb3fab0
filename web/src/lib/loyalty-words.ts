// Rules and wallets as sentences, amounts as their wallets count them, in the reader's language.
import { f, t, term, type Key } from '$lib/i18n/index.svelte';
import type { Condition } from './conditions';
import { tests } from './condition-sentence';
import { sayCondition, speaker } from './segments';
import { dayIn, digitsOf, firstDay, lastDay, parted, type Cap, type Gives, type Program, type Rule, type Unit, type Wallet, type Window } from './loyalty';
import type { Tree } from './condition-tree';

/** An amount as its wallet counts: 1,200 points, 12 stamps, €5.00. */
export function amountIn(unit: Unit | undefined, points: number, short = false): string {
	if (unit?.kind === 'money') return f.money(points / 10 ** digitsOf(unit.currency), unit.currency);
	if (short) return f.number(points);
	return t(unit?.kind === 'stamps' ? 'loyalty.stamps' : 'loyalty.points', { n: points });
}

/** The same for an axis. */
export const compactIn = (unit: Unit | undefined, points: number): string => (unit?.kind === 'money' ? f.compactMoney(points / 10 ** digitsOf(unit.currency), unit.currency) : f.compact(points));

const day = (iso: string): string => f.date(`${iso}T12:00:00Z`);

/** When what is earned today in a wallet can be spent, and when it lapses. */
export function sayWallet(wallet: Wallet, zone: string, now: number): string {
	const today = dayIn(zone, now);
	const [from, until] = [firstDay(wallet.pending, today), lastDay(wallet.expiry, today)];
	const what = t(`loyalty.earned_today.${wallet.unit.kind}`, { name: wallet.name });
	const begin = from ? t('loyalty.spent_from', { date: day(from) }) : t('loyalty.spent_at_once');
	const end = until ? t(wallet.expiry.kind === 'inactivity' ? 'loyalty.lapse_unless' : 'loyalty.lapse_after', { date: day(until) }) : t('loyalty.lapse_never');
	return t('loyalty.say_wallet', { what, begin, end });
}

/** Where points are taken from when an order goes back. */
export const sayClawback = (wallet: Wallet): string => t(`loyalty.clawback.${wallet.clawback}.say`);

const each = (each: string, currency: string) => f.money(each, currency).replace(/[.,]00(?=\D*$)/, '');
const unitOf = (rule: Rule, program: Program | undefined): Unit | undefined => (program?.wallets.find((it) => it.key === rule.wallet) ?? program?.wallets[0])?.unit;

/** What a rule gives, in a few words. */
export function sayGives(rule: Rule, program: Program | undefined, nameOf: (key: string) => string = (key) => key): string {
	const gives: Gives = rule.gives;
	const unit = unitOf(rule, program);
	if (gives.kind === 'times') {
		const times = t('loyalty.gives.times', { factor: f.plain(Number(gives.factor)) });
		return gives.rules?.length ? t('loyalty.gives.times_of', { times, rules: gives.rules.map(nameOf).join(t('list.and')) }) : times;
	}
	const points = amountIn(unit, gives.points);
	const items = 'items' in gives && gives.items ? t('loyalty.gives.items', { what: sayItems(gives.items) }) : '';
	switch (gives.kind) {
		case 'fixed':
			return points;
		case 'amount':
			return t(gives.full_steps ? 'loyalty.gives.amount_full' : 'loyalty.gives.amount', { points, each: each(gives.each, program?.currency ?? ''), items });
		case 'units':
			return t('loyalty.gives.units', { points, items });
		case 'number':
			return t('loyalty.gives.number', { points, each: f.plain(Number(gives.each)), property: gives.property || '…' });
	}
}

/** What lines of an order must be like. */
export const sayItems = (items: Condition): string => tests(items, speaker());

/** What must hold of the event and of who did it; empty when nothing must. */
export function sayWhen(when: Tree | null | undefined): string {
	const parts = parted(when);
	if (!parts) return t('loyalty.rule.when_text');
	return [parts.event ? tests(parts.event, speaker()) : '', parts.who ? sayCondition(parts.who) : ''].filter(Boolean).join(t('loyalty.and_for'));
}

/** The last day on which what lapses at an instant can be spent. */
export const lastDayOf = (end: string | null | undefined): string => (end ? f.date(new Date(Date.parse(end) - 1000).toISOString()) : '–');

export function sayCap(cap: Cap, unit: Unit | undefined): string {
	const most = cap.of === 'times' ? t('loyalty.cap.times', { n: cap.most }) : amountIn(unit, cap.most);
	return t(`loyalty.cap.${cap.per}`, { most, every: t(`loyalty.every.${cap.every}`) });
}

const dateOf = (text: string): string => (/^\d{4}-\d\d-\d\d$/.test(text) ? day(text) : f.moment(text));

/** When a rule holds; empty when always. */
export function sayWindow(window: Window | undefined): string {
	if (!window) return '';
	const parts: string[] = [];
	const { from, until } = window;
	if (from && until) parts.push(t('loyalty.window.between', { from: dateOf(from), until: dateOf(until) }));
	else if (from) parts.push(t('loyalty.window.from', { from: dateOf(from) }));
	else if (until) parts.push(t('loyalty.window.until', { until: dateOf(until) }));
	if (window.weekdays?.length) parts.push(t('loyalty.window.days', { days: window.weekdays.map((one) => t(`loyalty.weekday.${one}` as Key)).join(t('list.and')) }));
	const { from_hour, until_hour } = window;
	if (from_hour != null || until_hour != null) parts.push(t('loyalty.window.hours', { from: from_hour ?? 0, until: until_hour ?? 24 }));
	return parts.join(t('list.and'));
}

/** A campaign that is over, or has not begun. */
export function windowState(window: Window | undefined, zone: string, now: number): 'over' | 'ahead' | null {
	const today = dayIn(zone, now);
	if (window?.until && window.until.slice(0, 10) < today) return 'over';
	return window?.from && window.from.slice(0, 10) > today ? 'ahead' : null;
}

/** What an occasion is called: order 1042, or the event of which the awards are. */
export function sayOccasion(occasion: string): string {
	return occasion.startsWith('order:') ? t('loyalty.order', { id: occasion.slice(6) }) : occasion.startsWith('order#') ? t('loyalty.an_order') : t('loyalty.an_event');
}

/** What caused an operation: order 1042, an event, a reward, a hand. */
export function saySource(source: { source_kind: string; source_reference: string }): string {
	if (source.source_kind === 'order' && source.source_reference) return t('loyalty.order', { id: source.source_reference });
	if (source.source_kind === 'event' && source.source_reference) return source.source_reference;
	const kind = source.source_kind ? term('loyalty.source', source.source_kind) : '';
	return source.source_reference ? `${kind} ${source.source_reference}`.trim() : kind;
}

/** Why the ledger refused something, or a rule gave nothing. */
export const sayOutcome = (code: string): string => term('loyalty.outcome', code);
