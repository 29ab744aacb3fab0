// Numbers of experiments as the reader writes them.
import type { Effect, Metric } from '$lib/experiments';
import { readouts } from '$lib/i18n/en/readouts';
import { f, t, words } from '$lib/i18n/index.svelte';

/** What a metric is called: as staff call it, and one that has its usual name in the reader's language. */
export function metricName(metric: { key?: string; name: string }): string {
	const key = `experiment.metric_name.${metric.key}`;
	return words.has(key) && (readouts as Record<string, string>)[key] === metric.name ? t(key) : metric.name;
}

/** What a metric adds up to, in whole units. */
export const totalText = (metric: { form: string; currency?: string | null }, value: number): string => (metric.form === 'money' ? f.money(value.toFixed(0), metric.currency, true) : f.number(Math.round(value)));

/** A mean of a metric. */
export function meanText(metric: Metric, mean: number | null | undefined): string {
	if (mean === null || mean === undefined) return '–';
	if (metric.form === 'share') return f.percent(mean, 2);
	if (metric.form === 'money') return f.money(mean.toFixed(2), metric.currency);
	return f.plain(mean, Math.abs(mean) < 10 ? 3 : 1);
}

const sign = (value: number): string => (value > 0 ? '+' : value < 0 ? '−' : '');

/** A size on an effect's scale, with its sign. */
export function effectText(metric: Metric, scale: string, value: number): string {
	const size = Math.abs(value);
	if (scale === 'relative') return sign(value) + f.percent(size, size < 0.1 ? 1 : 0);
	if (metric.form === 'share') return `${sign(value)}${f.plain(size * 100, 2)} pp`;
	return sign(value) + meanText(metric, size);
}

export const intervalText = (metric: Metric, effect: Effect): string => `${effectText(metric, effect.scale, effect.low)} – ${effectText(metric, effect.scale, effect.high)}`;
