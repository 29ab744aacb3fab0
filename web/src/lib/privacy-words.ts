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
export function whatWasDone({ kind, report }: PrivacyRequest): string {
	if (report.proved_by) return t('requests.proved');
	// What was asked for is closed by the erasure that was done, which has a line of its own.
	if (kind === 'erasure') return report.tables ? erased(report) : t('requests.answered');
	return t(`requests.done_${kind}`);
}
