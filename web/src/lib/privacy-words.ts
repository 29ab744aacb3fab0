// What pages say about consent and privacy, in the reader's language.
import type { PrivacyRequest, RequestReport } from '$lib/api/types';
import { f, t, term } from '$lib/i18n/index.svelte';
import { changedBy } from '$lib/segments';

/** Messages are named by their channel alone; another purpose is said. */
export function scopeName({ purpose, channel }: { purpose: string; channel: string | null }): string {
	const way = term('channel', channel ?? 'any');
	if (purpose === 'marketing') return way;
	return channel ? `${term('purpose', purpose)}, ${way}` : term('purpose', purpose);
}

export const actorName = (actor: string): string => (actor === 'person' ? t('privacy.themselves') : changedBy(actor));

function erased(report: RequestReport): string {
	const rows = Object.values(report.tables ?? {});
	const counts = { n: report.identifiers ?? 0, events: report.events ?? 0, rows: rows.reduce((sum, n) => sum + n, 0), tables: rows.length };
	const parts = [t('requests.erased', counts), t(report.suppressed ? 'requests.suppressed' : 'requests.not_suppressed')];
	if (report.log_until) parts.push(t('requests.log_until', { date: f.date(report.log_until) }));
	return parts.join(' ');
}

/** What was done about a request. */
export const whatWasDone = ({ kind, report }: PrivacyRequest): string => (kind === 'erasure' ? erased(report) : t(`requests.done_${kind}`));
