// Turns the server's figures into what the figure row shows.
import type { Better, Change, Figure, Unit } from '$lib/api/types';
import type { FigureCell } from '$lib/components/Figures.svelte';
import { f, t, term, words, type Key } from '$lib/i18n/index.svelte';

/** Below this a movement is noise to the eye and is shown in grey. */
const FLAT = 0.005;

export function changeText(change: number | null, unit: Unit): string {
	if (change === null) return t('change.none');
	if (unit === 'ratio') return t('change.points', { value: f.signed(change * 100) });
	return f.signedPercent(change);
}

/** Whether a movement is a good one: green for what one hopes for, red for the opposite. */
export function tone(change: number | null, better: Better = 'higher'): 'up' | 'down' | 'flat' {
	if (change === null || Math.abs(change) < FLAT) return 'flat';
	return change > 0 === (better === 'higher') ? 'up' : 'down';
}

export function amountText(value: number | string | null | undefined, unit: Unit, currency?: string | null): string {
	if (value === null || value === undefined) return '–';
	if (unit === 'money') return f.money(value, currency, true);
	if (unit === 'ratio') return f.percent(Number(value));
	return f.number(Number(value));
}

export const figureName = (key: string, label = key): string => (words.has(`figure.${key}`) ? t(`figure.${key}` as Key) : label);

export function figureCell(figure: Figure, href?: string): FigureCell {
	return {
		label: figureName(figure.key, figure.label),
		value: amountText(figure.value, figure.unit, figure.currency),
		note: changeText(figure.change, figure.unit),
		tone: tone(figure.change, figure.better),
		spark: figure.spark,
		href,
		title: figure.unit === 'money' ? f.money(figure.value, figure.currency) : undefined
	};
}

export interface Told {
	title: string;
	detail: string;
}

/** A movement in words: what moved, from where to where, and what it is made of. */
export function told(change: Change): Told {
	const rose = change.change >= 0;
	const between = { before: amountText(change.before, change.unit), now: amountText(change.value, change.unit) };
	if (change.what === 'checkout_conversion' && change.people && change.interval) {
		const part = term('device', change.part ?? '');
		const [low, high] = change.interval.map((points) => f.signed(points * 100));
		return {
			title: t(rose ? 'home.change.conversion_rose' : 'home.change.conversion_fell', { part }),
			detail: t('home.change.conversion', { ...between, people: f.number(change.people[0]), of: f.number(change.people[1]), low, high })
		};
	}
	const reasons = change.because.map((reason) => t('home.change.reason', { figure: figureName(reason.what).toLowerCase(), change: f.signedPercent(reason.change) }));
	const detail = t('home.change.between', between);
	return {
		title: t(rose ? 'home.change.rose' : 'home.change.fell', { figure: figureName(change.what) }),
		detail: reasons.length ? t('home.change.because', { detail, reasons: reasons.join(t('list.and')) }) : detail
	};
}
