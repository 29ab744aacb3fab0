// The figures of a persona in words.
import { f, t } from '$lib/i18n/index.svelte';

export function personaText(key: string, value: number | null | undefined): string {
	if (value === null || value === undefined) return '–';
	if (key === 'spent') return f.money(value, undefined, true);
	return key.startsWith('days_') ? t('unit.days', { n: Math.round(value) }) : f.plain(value, 1);
}
