// Policies: drafts, arms over time, axes, and which arm is surely best.
import { describe, expect, it } from 'vitest';
import { axisOf, bestArm, blank, missing, placeOn, rekinded, shareByDay, subjectOf, type PolicyJudged } from '$lib/policies';
import { decidedBy, missing as lacks, parted } from '$lib/slots';

const sure = (value: number, half: number) => ({ value, low: value - half, high: value + half });
const always = (arm: string, value: ReturnType<typeof sure> | null): PolicyJudged => ({ policy: 'always', arm, value, inverse: value, robust: value, effective: 100, cut: 0 });

describe('policies', () => {
	it('say what a draft lacks', () => {
		const draft = { ...blank(), name: 'Offer', arms: [{ key: 'a' }, { key: 'b' }] };
		expect(missing(blank())).toBe('name');
		expect(missing({ ...draft, arms: [{ key: 'a' }, { key: 'a' }] })).toBe('arms');
		expect(missing({ ...draft, reward: { ...draft.reward, metric: '' } })).toBe('metric');
		expect(missing(draft)).toBe('');
		expect(missing(rekinded(draft, 'contextual'))).toBe('features');
		expect(missing({ ...rekinded(draft, 'uplift'), features: ['churn.risk'] })).toBe('experiment');
		expect(missing({ ...blank('frequency'), name: 'How often' })).toBe('');
	});
	it('have of a kind only what it has', () => {
		const draft = { ...rekinded({ ...blank(), arms: [{ key: 'a' }, { key: 'b' }, { key: 'c' }] }, 'uplift'), features: ['x'], experiment: 'try' };
		expect(draft.arms).toHaveLength(2);
		expect(rekinded(draft, 'bandit')).not.toHaveProperty('features');
		expect(rekinded(draft, 'contextual')).not.toHaveProperty('experiment');
	});
	it('show shares of each day, also of days without any', () => {
		const day = (of: string, arm: string, decisions: number) => ({ day: `${of}T00:00:00Z`, arm, decisions });
		expect(shareByDay([day('2026-11-01', 'a', 1), day('2026-11-01', 'b', 3), day('2026-11-03', 'b', 2)], ['a', 'b'])).toEqual({ days: ['2026-11-01', '2026-11-02', '2026-11-03'], shares: [[0.25, null, 0], [0.75, null, 1]] });
		expect(shareByDay([], ['a'])).toEqual({ days: [], shares: [[]] });
	});
	it('put intervals on one axis that has 0', () => {
		const axis = axisOf([sure(2, 1), sure(-1, 1)]);
		expect(axis).toEqual({ from: -2, to: 3 });
		expect([placeOn(axis, -2), placeOn(axis, 0.5), placeOn(axis, 9)]).toEqual([0, 50, 100]);
		expect(axisOf([])).toEqual({ from: 0, to: 1 });
	});
	it('name an arm only where it is surely best', () => {
		expect(bestArm([always('a', sure(3, 0.5)), always('b', sure(1, 0.5))])).toBe('a');
		expect(bestArm([always('a', sure(3, 1.5)), always('b', sure(1, 1.5))])).toBeNull();
		expect(bestArm([always('a', sure(3, 0.5)), always('b', null)])).toBeNull();
		expect(bestArm([])).toBeNull();
	});
	it('read what was decided for', () => {
		expect(subjectOf('journey:welcome/choose')).toEqual({ kind: 'journey', key: 'welcome', node: 'choose' });
		expect(subjectOf('slot:hero')).toEqual({ kind: 'slot', key: 'hero', node: '' });
		expect(subjectOf('frequency').kind).toBe('frequency');
	});
	it('make variants of a slot their arms, and leave the rest as it was', () => {
		const usual = { show: 'nothing' as const };
		const definition = { variants: [{ segment: 'vip', show: { template: 'a' } }, usual], holdout_percent: 5 };
		const by = decidedBy(definition, { key: 'offer', arms: [{ key: 'none' }, { key: 'voucher' }] });
		expect(by).toEqual({ policy: 'offer', holdout_percent: 5, variants: [{ segment: 'vip', show: { template: 'a' }, arm: 'none' }, { show: { template: '' }, arm: 'voucher' }, usual] });
		expect(parted(by)).toEqual({ chosen: by.variants.slice(0, 2), usual });
		expect(lacks('Hero', by)).toBe('template');
		expect(decidedBy(by, undefined)).toEqual({ holdout_percent: 5, variants: [{ segment: 'vip', show: { template: 'a' } }, { segment: '', show: { template: '' } }, usual] });
	});
});
