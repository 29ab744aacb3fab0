// Consent and privacy before words: which standings are worth a line, texts by language, versions of notices, requests that wait.
import type { Notice, PrivacyRequest, Standing, StatementState, Verdict } from '$lib/api/types';
import type { IconName } from '$lib/icons';

export const CHANNELS = ['email', 'sms', 'whatsapp', 'push', 'in_app', 'phone', 'post', 'ads'] as const;
/** How somebody can have said what is noted for them by hand. */
export const NOTED_METHODS = ['phone', 'in_person', 'email', 'paper', 'form'] as const;
/** What can be suppressed: the kinds of identifier that events name. */
export const IDENTIFIER_KINDS = ['email', 'user_id', 'anonymous_id'] as const;
/** The languages that every form asks for; others can be added. */
export const FORM_LANGUAGES = ['en', 'zh'];

export type ConsentState = Verdict | StatementState;
export const CONSENT_ICONS: Record<ConsentState, IconName> = { granted: 'circle-check', denied: 'circle-x', withdrawn: 'circle-x', pending: 'clock', expired: 'calendar', unknown: 'circle-help' };
export const CONSENT_TONES: Record<ConsentState, string> = { granted: 'good', denied: 'bad', withdrawn: 'bad', pending: 'warn', expired: 'warn', unknown: '' };

export interface ConsentGroup {
	purpose: string;
	channel: string | null;
	standings: Standing[];
}

const covers = (wide: Standing, one: Standing) =>
	wide !== one && wide.purpose === one.purpose && (wide.channel === null || wide.channel === one.channel) && (wide.topic === null || wide.topic === one.topic);

/**
 * What holds, by purpose and channel, apart from the groups about which nobody said anything. A standing that only repeats a wider one,
 * because the same word decides both, is left out.
 */
export function groupStandings(standings: Standing[]): { said: ConsentGroup[]; unasked: ConsentGroup[] } {
	const groups: ConsentGroup[] = [];
	for (const one of standings) {
		if (standings.some((wide) => covers(wide, one) && wide.verdict === one.verdict && wide.since === one.since)) continue;
		const { purpose, channel } = one;
		const group = groups.find((group) => group.purpose === purpose && group.channel === channel);
		if (group) group.standings.push(one);
		else groups.push({ purpose, channel, standings: [one] });
	}
	const isSaid = (group: ConsentGroup) => group.standings.some((one) => one.verdict !== 'unknown');
	return { said: groups.filter(isSaid), unasked: groups.filter((group) => !isSaid(group)) };
}

/** A text in the reader's language, or in the first that there is. */
export function localText(texts: Record<string, string>, language: string): string {
	const regional = Object.keys(texts).find((tag) => tag.startsWith(`${language}-`)) ?? '';
	return texts[language] ?? texts[regional] ?? Object.values(texts)[0] ?? '';
}

/** What was typed, without the languages that were left empty. */
export const filledTexts = (texts: Record<string, string>): Record<string, string> =>
	Object.fromEntries(Object.entries(texts).map(([tag, text]) => [tag, text.trim()]).filter(([, text]) => text));

export interface NoticeVersion {
	version: number;
	created_at: string;
	created_by: string;
	/** One of each language. */
	texts: Notice[];
}
export interface NoticeHistory {
	key: string;
	/** The latest first, as the server lists them. */
	versions: NoticeVersion[];
}

export function groupNotices(rows: Notice[]): NoticeHistory[] {
	const histories: NoticeHistory[] = [];
	for (const row of rows) {
		let history = histories.find((history) => history.key === row.key);
		if (!history) histories.push((history = { key: row.key, versions: [] }));
		const { version, created_at, created_by } = row;
		const known = history.versions.find((other) => other.version === version);
		if (known) known.texts.push(row);
		else history.versions.push({ version, created_at, created_by, texts: [row] });
	}
	return histories;
}

/**
 * Whether a request waits for somebody of the company. What is done later for the same person, on their page, answers it; after an
 * erasure it names nobody any more.
 */
export function isWaiting(request: PrivacyRequest, all: PrivacyRequest[]): boolean {
	if (request.state !== 'received' || request.person_id === null) return false;
	return !all.some((other) => other.state === 'done' && other.kind === request.kind && other.person_id === request.person_id && other.requested_at >= request.requested_at);
}

/** Those that wait first, the most urgent on top; then the latest. */
export function sortRequests(rows: PrivacyRequest[]): { row: PrivacyRequest; waits: boolean }[] {
	const marked = rows.map((row) => ({ row, waits: isWaiting(row, rows) }));
	return [
		...marked.filter(({ waits }) => waits).sort((a, b) => a.row.due_at.localeCompare(b.row.due_at)),
		...marked.filter(({ waits }) => !waits).sort((a, b) => b.row.requested_at.localeCompare(a.row.requested_at))
	];
}

/** Whole days until a moment; negative once it is over. */
export const daysUntil = (iso: string, now: number): number => Math.floor((Date.parse(iso) - now) / 86_400_000);
