// Rules that are tried on the past: what is sent of them, and what is said of differences.
import { beforeAll, describe, expect, it } from 'vitest';
import type { RuleEffect } from '$lib/api/loyalty';
import { words } from '$lib/i18n/index.svelte';
import { metricRange, sayEffect } from '$lib/loyalty-effect-words';
import { firstRule, type Rule, type RuleState, type RuleVersion } from '$lib/loyalty';
import { axisEnd, course, differing, isCampaign, isPartly, isRightNumber, isSpan, onAxis, ordered, readTrial, spanOf, trialBody, withNumber, writeTrial } from '$lib/loyalty-trials';

const version = (key: string, state: RuleState, rule: Partial<Rule> = {}): RuleVersion => ({ key, version: 1, state, rule: { ...firstRule(key), key, ...rule }, text: '', in_force_from: '', saved_at: '', saved_by: '' });
const rules = [version('euro', 'live'), version('spring', 'live', { gives: { kind: 'times', factor: '3' } }), version('visit', 'draft'), version('mondays', 'paused')];

describe('a trial', () => {
	it('stands in the address, and nonsense in it is left out', () => {
		const trial = { spring: 'off', visit: 'on', euro: '2' };
		expect(readTrial(writeTrial(trial))).toEqual(trial);
		expect(readTrial('spring:off,Bad:on,visit:maybe,euro,:on,x:1e9')).toEqual({ spring: 'off' });
		expect(readTrial(null)).toEqual({});
	});
	it('sends what differs from the rules that are live, and nothing else', () => {
		const body = trialBody(rules, { euro: '2', spring: 'off', visit: 'on', mondays: 'off' });
		expect(body.without).toEqual(['spring']);
		expect(body.drafts).toEqual(['visit']);
		expect(body.rules.map((it) => [it.key, it.gives])).toEqual([['euro', { kind: 'amount', points: 2, each: '1' }]]);
		expect(differing(body)).toBe(3);
		expect(differing(trialBody(rules, { euro: 'on', spring: '3.0', visit: 'off' }))).toBe(0);
	});
	it('has another number in the place of the one there is, if it is a right one', () => {
		expect(withNumber(rules[1].rule, '1.5').gives).toEqual({ kind: 'times', factor: '1.5' });
		expect([isRightNumber(rules[0].rule.gives, '1.5'), isRightNumber(rules[0].rule.gives, '3'), isRightNumber(rules[1].rule.gives, '1'), isRightNumber(rules[1].rule.gives, '1.5')]).toEqual([false, true, false, true]);
	});
	it('has months of which only a part is told', () => {
		expect(isPartly('2026-05', '2026-05-21T00:00:00Z', 'Europe/Berlin')).toBe(true);
		expect(isPartly('2026-06', '2026-05-31T22:00:00Z', 'Europe/Berlin')).toBe(false);
		expect(isPartly('2026-05', '2026-05-31T22:00:00Z', 'Europe/Berlin')).toBe(false);
	});
	it('is of whole days, the last one with it', () => {
		expect(spanOf('2026-01-01', '2026-06-30', 'UTC')).toEqual({ from: '2026-01-01T00:00:00Z', until: '2026-07-01T00:00:00Z' });
		// Before and after the clocks change.
		expect(spanOf('2026-03-29', '2026-03-29', 'Europe/Berlin')).toEqual({ from: '2026-03-28T23:00:00Z', until: '2026-03-29T22:00:00Z' });
		expect(spanOf('2026-11-01', '2026-11-01', 'America/New_York')).toEqual({ from: '2026-11-01T04:00:00Z', until: '2026-11-02T05:00:00Z' });
		expect([isSpan('2026-01-01', '2026-01-01'), isSpan('2026-01-02', '2026-01-01'), isSpan('2020-01-01', '2026-01-01'), isSpan('', '2026-01-01')]).toEqual([true, false, false, false]);
	});
});

it('shows the wallet first in which anything changes, in the order of the programme', () => {
	const wallet = (key: string, gain: number) => ({ wallet: key, gain, lose: 0 });
	const { wallets, first } = ordered([wallet('credit', 0), wallet('points', 0), wallet('stamps', 4)], ['points', 'stamps', 'credit']);
	expect([wallets.map((it) => it.wallet), first?.wallet]).toEqual([['points', 'stamps', 'credit'], 'stamps']);
	expect(ordered([wallet('b', 0), wallet('a', 0)], ['a', 'b']).first?.wallet).toBe('a');
	expect(ordered([], ['a']).first).toBeUndefined();
});

describe('a difference', () => {
	it('is told by its interval', () => {
		expect(course({ value: 5, low: 1, high: 9 })).toBe('more');
		expect(course({ value: -5, low: -9, high: -1 })).toBe('fewer');
		expect(course({ value: 5, low: -1, high: 9 })).toBe('unclear');
		expect(course({ value: 0, low: 0, high: 0 })).toBe('same');
	});
	it('lies on an axis with zero in its middle', () => {
		const end = axisEnd([{ estimate: 2, low: -1, high: 4 }, null]);
		expect([end, onAxis(0, end), onAxis(4, end), onAxis(-9, end)]).toEqual([4, 0.5, 1, 0]);
		expect(axisEnd([])).toBe(1);
	});
});

it('knows a campaign by its window or because it multiplies', () => {
	const rule = firstRule('A point for each euro');
	expect(isCampaign(rule)).toBe(false);
	expect(isCampaign({ ...rule, window: { from: null, until: null, weekdays: [] } })).toBe(false);
	expect(isCampaign({ ...rule, window: { until: '2026-12-24' } })).toBe(true);
	expect(isCampaign({ ...rule, window: { weekdays: [1] } })).toBe(true);
	expect(isCampaign({ ...rule, window: { from_hour: 0 } })).toBe(true);
	expect(isCampaign({ ...rule, gives: { kind: 'times', factor: '2' } })).toBe(true);
});

describe('what a rule brought in', () => {
	beforeAll(() => words.with('loyalty'));
	const range = (estimate: number, low: number, high: number) => ({ estimate, low, high });
	const effect = (verdict: string, revenue: [number, number, number] | null, more: object = {}) =>
		({ rule: 'spring', verdict, currency: 'EUR', points: 0, newcomers: 0, until: '', means: [], holdout: { held_out: 40, treated: 360, metrics: revenue ? [{ metric: { key: 'revenue' }, estimate: revenue[0], low: revenue[1], high: revenue[2] }] : [] }, ...more }) as unknown as RuleEffect;
	it('is said with its interval, and when it cannot be told, that', () => {
		expect(sayEffect(effect('brings_in', [1800, 400, 3200]), 'Spring')).toBe('Spring brought in revenue that would not be there without it: €1,800, between €400 and €3,200.');
		expect(sayEffect(effect('unclear', [100, -640, 840]), 'Spring')).toBe('Spring cannot be told yet: it may have brought in as little as −€640 and as much as €840 of revenue.');
		expect(sayEffect(effect('unclear', null), 'Spring')).toContain('cannot be told');
		expect(sayEffect(effect('too_few', null), 'Spring')).toContain('40 held out, 360 not');
	});
	it('is judged by margin less cost, where there is a margin', () => {
		expect(sayEffect(effect('pays', [1800, 400, 3200], { net: range(500, 20, 980) }), 'Spring')).toBe('Spring earns more than it costs: €500 of margin less cost, between €20 and €980.');
		expect(sayEffect(effect('unclear', [1800, 400, 3200], { net: range(50, -20, 120) }), 'Spring')).toBe('Spring cannot be told yet: margin less cost lies between −€20 and €120.');
	});
	it('is nothing where it cannot be said of a metric', () => {
		expect(metricRange(effect('unclear', [1, 0, 2]), 'revenue')).toEqual(range(1, 0, 2));
		expect(metricRange(effect('unclear', [1, 0, 2]), 'orders')).toBeNull();
	});
});
