// Complaints and mentions, as pages show them.
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Complaint = Schemas['Complaint'];
export type ComplaintDetail = Complaint & Pick<Schemas['ComplaintDetail'], 'steps' | 'open_seconds' | 'answer_due_at' | 'resolution_due_at'>;
export type ComplaintCount = Schemas['ComplaintCount'];
export type ComplaintFigures = Schemas['ComplaintFigures'];
export type ComplaintFiguresAnswer = Schemas['ComplaintFiguresAnswer'];
export interface ListEntry {
	key: string;
	name: Record<string, string>;
	is_retired?: boolean;
}
/** What of the settings the pages need. */
export interface ComplaintSettings {
	settings: { categories: ListEntry[]; root_causes: ListEntry[]; touchpoints: ListEntry[]; page?: { is_open?: boolean } };
	revision: number;
	page_url: string;
}

export const SEVERITIES = ['low', 'normal', 'high', 'critical'] as const;
export const CHANNELS = ['form', 'email', 'phone', 'store', 'chat', 'letter', 'social', 'review_site', 'other'] as const;
export const STATES = ['open', 'reopened', 'answered', 'resolved'] as const;
export const GROUPS = ['category', 'root_cause', 'touchpoint', 'severity', 'channel', 'product'] as const;

export const isOver = (row: Pick<Complaint, 'state'>): boolean => row.state === 'resolved';

/** The name of an entry of a list in a language; one that is not in the list is called by its key. */
export function entryName(list: ListEntry[] | undefined, key: string | null | undefined, language: string): string {
	if (!key) return '';
	const name = list?.find((entry) => entry.key === key)?.name;
	return name?.[language] ?? name?.en ?? Object.values(name ?? {})[0] ?? key;
}

/** What can be chosen: what is offered, and what is chosen already though it is not offered any more. */
export const offered = (list: ListEntry[] | undefined, chosen?: string | null): ListEntry[] => (list ?? []).filter((entry) => !entry.is_retired || entry.key === chosen);

const HOUR_MS = 3_600_000;
/** Whether a time by which something should happen is over, near, or far. */
export function nearness(due: string | null | undefined, now: number): 'late' | 'near' | 'calm' {
	if (!due) return 'calm';
	const left = Date.parse(due) - now;
	return left <= 0 ? 'late' : left <= 4 * HOUR_MS ? 'near' : 'calm';
}
