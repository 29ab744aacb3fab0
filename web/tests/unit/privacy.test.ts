import { describe, expect, it } from 'vitest';
import type { Notice, PrivacyRequest, Standing } from '../../src/lib/api/types';
import { language, type Reader } from '../../src/lib/formatting';
import { en } from '../../src/lib/i18n/en';
import { outreach } from '../../src/lib/i18n/en/outreach';
import { CHANNELS, CONSENT_ICONS, daysUntil, filledTexts, groupNotices, groupStandings, IDENTIFIER_KINDS, localText, NOTED_METHODS, sortRequests } from '../../src/lib/privacy';

const THEN = '2026-11-01T10:00:00Z';
const standing = (channel: string | null, verdict: Standing['verdict'], since: string | null = null, topic: string | null = null): Standing => ({ purpose: 'marketing', channel, topic, verdict, since });
const named = (groups: { channel: string | null; standings: Standing[] }[]) => groups.map((group) => [group.channel, ...group.standings.map((one) => one.topic)]);

describe('what holds', () => {
	it('comes by channel, with the channels nobody spoke of apart', () => {
		const { said, unasked } = groupStandings([standing('email', 'granted', THEN), standing('sms', 'unknown'), standing('email', 'denied', THEN, 'offers')]);
		expect(named(said)).toEqual([['email', null, 'offers']]);
		expect(named(unasked)).toEqual([['sms', null]]);
	});
	it('does not repeat what a wider word decides', () => {
		const later = '2026-11-02T10:00:00Z';
		const { said, unasked } = groupStandings([
			standing('email', 'denied', THEN), standing('sms', 'denied', THEN), standing('email', 'denied', THEN, 'news'), standing('email', 'denied', later, 'offers'), standing('push', 'unknown'), standing('push', 'unknown', null, 'news'), standing(null, 'denied', THEN)
		]);
		expect(named(said)).toEqual([['email', 'offers'], [null, null]]);
		expect(named(unasked)).toEqual([['push', null]]);
	});
	it('keeps a channel nobody spoke of beside its topic', () => {
		const { said } = groupStandings([standing('email', 'unknown'), standing('email', 'granted', THEN, 'news')]);
		expect(named(said)).toEqual([['email', null, 'news']]);
	});
	it('does not mix purposes', () => {
		const sharing = { ...standing(null, 'denied', THEN), purpose: 'sharing' };
		expect(groupStandings([sharing, standing('email', 'denied', THEN)]).said).toHaveLength(2);
	});
	it('has a word for everything the server can name', () => {
		const wanted = [...CHANNELS.map((channel) => `channel.${channel}`), ...NOTED_METHODS.map((method) => `method.${method}`), ...IDENTIFIER_KINDS.map((kind) => `identifier.${kind}`), ...Object.keys(CONSENT_ICONS).map((state) => `consent_state.${state}`)];
		expect(wanted.filter((key) => !(key in en || key in outreach))).toEqual([]);
	});
});

describe('texts in languages', () => {
	it('are the reader\'s, one of their regions, or the first', () => {
		expect(localText({ en: 'News', zh: '新闻' }, 'zh')).toBe('新闻');
		expect(localText({ en: 'News', 'zh-Hant': '新聞' }, 'zh')).toBe('新聞');
		expect(localText({ de: 'Neuigkeiten' }, 'en')).toBe('Neuigkeiten');
		expect(localText({}, 'en')).toBe('');
	});
	it('are sent without those left empty', () => {
		expect(filledTexts({ en: ' News ', zh: ' ', de: '' })).toEqual({ en: 'News' });
	});
	it('name their language, or what was written where it is none', () => {
		const reader: Reader = { locale: 'en', zone: 'UTC', now: () => 0 };
		expect(language(reader, 'zh')).toBe('Chinese');
		expect(language(reader, 'de_DE')).toBe('de_DE');
	});
});

describe('notices', () => {
	it('are put together by key and version', () => {
		const notice = (key: string, version: number, locale: string): Notice => ({ key, version, locale, content: locale, digest: '', created_at: THEN, created_by: 'usr_01' });
		const [first, second] = groupNotices([notice('news', 2, 'en'), notice('news', 2, 'zh'), notice('news', 1, 'en'), notice('terms', 1, 'de')]);
		expect(first.versions.map(({ version, texts }) => [version, ...texts.map((text) => text.locale)])).toEqual([[2, 'en', 'zh'], [1, 'en']]);
		expect(second.key).toBe('terms');
	});
});

describe('requests', () => {
	const request = (id: string, day: number, change: Partial<PrivacyRequest> = {}): PrivacyRequest => ({ id, kind: 'access', state: 'received', person_id: id, requested_at: `2026-10-${day}T10:00:00Z`, due_at: `2026-11-${day}T10:00:00Z`, finished_at: null, actor: 'person', report: {}, ...change });
	const order = (rows: PrivacyRequest[]) => sortRequests(rows).map(({ row, waits }) => `${row.id}${waits ? '!' : ''}`);
	it('wait on top, the most urgent first, then the latest', () => {
		expect(order([request('d', 25, { state: 'done' }), request('b', 20), request('c', 10, { state: 'done' }), request('a', 12)])).toEqual(['a!', 'b!', 'd', 'c']);
	});
	it('are answered by what is done later for the same person', () => {
		const done = (change: Partial<PrivacyRequest>) => request('done', 20, { state: 'done', person_id: 'a', ...change });
		expect(order([request('a', 12), done({})])).toEqual(['done', 'a']);
		expect(order([request('a', 12), done({ kind: 'restriction' })])).toEqual(['a!', 'done']);
		expect(order([request('a', 22), done({})])).toEqual(['a!', 'done']);
	});
	it('are answered when the person is erased', () => {
		expect(order([request('a', 12, { person_id: null })])).toEqual(['a']);
	});
	it('are due on whole days', () => {
		const now = Date.parse('2026-11-10T12:00:00Z');
		expect(daysUntil('2026-11-20T10:00:00Z', now)).toBe(9);
		expect(daysUntil('2026-11-10T13:00:00Z', now)).toBe(0);
		expect(daysUntil('2026-11-09T13:00:00Z', now)).toBe(-1);
	});
});
