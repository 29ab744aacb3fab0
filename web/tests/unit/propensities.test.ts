import { describe, expect, it } from 'vitest';
import { draftOf, isReady, keyOf, segmentOf, settingsOf, what, type Settings } from '$lib/propensities';
import { addressed, behind } from '$lib/models';
import { propensities } from '$lib/i18n/en/propensities';
import { fill } from '$lib/i18n/fill';

const say = (key: string, params: Record<string, string | number> = {}) => fill((propensities as Record<string, string>)[key] ?? key, params, 'en-GB');
const plan = { fact: { key: 'trait.plan', op: 'equals', value: 'pro' } };
const of = (label: unknown, weeks = 4): Settings => ({ name: 'A', label, horizon_weeks: weeks, active_weeks: 52, fit_days: 7, score_hours: 24 }) as Settings;
const LABELS = [{ kind: 'purchase' }, { kind: 'category', category: 'Shoes' }, { kind: 'event', event: 'Message Clicked' }, { kind: 'event', event: 'Message Clicked', where: { property: { path: 'a', op: 'exists' } } }, { kind: 'condition', condition: plan }];

describe('propensities', () => {
	it('say what is foretold in the reader’s words', () => {
		const said = (label: unknown, weeks = 4) => what(of(label, weeks), say as never, () => 'plan is pro');
		expect(LABELS.map((it) => said(it))).toEqual([
			'buys in the next 4 weeks', 'buys something of “Shoes” in the next 4 weeks', 'does “Message Clicked” in the next 4 weeks', 'does “Message Clicked”, of a certain kind, in the next 4 weeks', 'comes to this in the next 4 weeks: plan is pro'
		]);
		expect(said({ kind: 'purchase' }, 1)).toBe('buys in the next 1 week');
	});

	it('are sent as they were filled in, and only once they are whole', () => {
		for (const label of LABELS) {
			const settings = { ...of(label, 6), audience: plan } as unknown as Settings;
			expect(settingsOf(draftOf(settings))).toEqual(settings);
			expect(isReady(draftOf(settings))).toBe(true);
		}
		const draft = draftOf();
		expect([draft.kind, draft.horizon, draft.active, isReady(draft)]).toEqual(['purchase', 4, 52, false]);
		expect(isReady({ ...draft, name: 'Next' })).toBe(true);
		for (const kind of ['category', 'event', 'condition'] as const) expect(isReady({ ...draft, name: 'Next', kind })).toBe(false);
		// What belongs to another kind is not sent.
		expect(settingsOf({ ...draft, name: ' Next ', category: 'Shoes' })).toMatchObject({ name: 'Next', label: { kind: 'purchase' }, audience: null });
	});

	it('lead to a segment, and groups of value to their people', () => {
		expect(keyOf('propensity.next_purchase')).toBe('next_purchase');
		expect(JSON.parse(decodeURIComponent(segmentOf('propensity.a', 0.1784).split('condition=')[1] ?? ''))).toEqual({ fact: { key: 'propensity.a', op: 'at_least', value: 0.18 } });
		expect(behind(new URLSearchParams('of=source&group=google'))).toMatchObject({ of: 'source', group: 'google' });
		expect(behind(new URLSearchParams('group=2'))).toBeNull();
		expect(addressed({ of: 'source', group: 'google' })).toMatchObject({ of: 'source', group: 'google', part: null });
		expect(addressed(null)).toMatchObject({ of: null, group: null });
	});
});
