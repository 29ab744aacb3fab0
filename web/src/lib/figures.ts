// Turns the server's figures into what the figure row shows.
import type { Figure } from '$lib/api/types';
import type { FigureCell } from '$lib/components/Figures.svelte';
import { f, t, words, type Key } from '$lib/i18n/index.svelte';

/** Below this a movement is noise to the eye and is shown in grey. */
const FLAT = 0.005;

export function changeText(change: number | null, unit: string): string {
	if (change === null) return t('change.none');
	if (unit === 'ratio' || unit === 'points') return t('change.points', { value: f.signed(change * 100) });
	return f.signedPercent(change);
}

export const tone = (change: number | null): 'up' | 'down' | 'flat' => (change === null || Math.abs(change) < FLAT ? 'flat' : change > 0 ? 'up' : 'down');

export function figureValue(figure: Figure): string {
	if (figure.unit === 'money') return f.money(figure.value, figure.currency, true);
	if (figure.unit === 'ratio') return f.percent(Number(figure.value));
	return f.number(Number(figure.value));
}

export function figureCell(figure: Figure, href?: string): FigureCell {
	const key = `figure.${figure.key}`;
	return {
		label: words.has(key) ? t(key as Key) : figure.label,
		value: figureValue(figure),
		note: changeText(figure.change, figure.unit),
		tone: tone(figure.change),
		spark: figure.spark,
		href,
		title: figure.unit === 'money' ? f.money(figure.value, figure.currency) : undefined
	};
}
