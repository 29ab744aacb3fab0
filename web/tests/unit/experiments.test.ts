import { describe, expect, it } from 'vitest';
import { asType, axisOf, blank, byDay, freeKey, freeShare, inGroup, keyOf, KINDS, missing, placed, planOf, roundUp, sensible, shares, withTrees, type Effect, type ExperimentPage, type Group } from '../../src/lib/experiments';
import { readFileSync } from 'node:fs';
import { experiments as en } from '../../src/lib/i18n/en/experiments';
import { sayRefusal } from '../../src/lib/experiment-refusals';
import { words } from '../../src/lib/i18n/index.svelte';
import { readouts } from '../../src/lib/i18n/en/readouts';
import { readouts as chinese } from '../../src/lib/i18n/zh/readouts';
import { headed } from '../../src/lib/experiment-sentences';
import { experiments } from '../fixtures/experiments.mjs';

const effect = (estimate: number, low: number, high: number): Effect => ({ scale: 'relative', estimate, low, high, p: 0.1, q: null, call: 'unclear' });

describe('the sentences of readouts', () => {
	const source = readFileSync(new URL('../../../crates/experiments/src/readout/english.rs', import.meta.url), 'utf8');
	const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((it) => it[1]).sort();
	const [sentences, items] = source.split('const ITEMS').map((part) => [...part.matchAll(/\(\s*"([a-z_]+)",\s*"(.*?)",?\s*\)/gs)]);
	it('have the codes and places that the server has, in every language', () => {
		expect(sentences.length).toBeGreaterThan(40);
		for (const [all, end] of [[sentences, ''], [items, '.item']] as const) {
			for (const [, code, text] of all) {
				for (const own of [readouts, chinese] as Record<string, string>[]) expect(places(own[`experiment.say.${code}${end}`] ?? 'none'), code).toEqual(places(text));
			}
		}
		expect(Object.keys(readouts).filter((key) => key.startsWith('experiment.say.')).length).toBe(sentences.length + items.length + 1);
	});
});

describe('a readout', () => {
	const codes = (...all: string[]) => all.map((code) => ({ code }));
	it('begins with its answer, and how it may be read stands below', () => {
		const said = headed(codes('peeking_allowed', 'unclear', 'guardrail_safe', 'days_left'));
		expect(said.answer?.code).toBe('unclear');
		expect(said.reading?.code).toBe('peeking_allowed');
		expect(said.rest.map((it) => it.code)).toEqual(['guardrail_safe', 'days_left']);
	});
	it('begins with why it must not be read, where it must not', () => {
		for (const code of ['nobody', 'ratio_broken', 'too_early', 'not_yet']) {
			const said = headed(codes(code, 'win', 'days_left'));
			expect(said.answer?.code).toBe(code);
			expect(said.reading).toBeUndefined();
			expect(said.rest.map((it) => it.code)).toEqual(['win', 'days_left']);
		}
		expect(headed([])).toEqual({ answer: undefined, reading: undefined, rest: [] });
	});
});

describe('refusals of designs', () => {
	const source = readFileSync(new URL('../../../crates/experiments/src/refusal.rs', import.meta.url), 'utf8');
	const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((it) => it[1]).sort();
	const known = [...source.slice(source.indexOf('const REFUSALS'), source.indexOf('#[cfg(test)]')).matchAll(/\(\s*"([a-z_]+)",\s*"(.*?)",?\s*\)/gs)];
	it('have the codes and places that the server has, in every language', () => {
		expect(known.length).toBeGreaterThan(35);
		for (const own of [readouts, chinese] as Record<string, string>[]) {
			for (const [, code, text] of known) expect(places(own[`experiment.refuse.${code}`] ?? 'none {none}'), code).toEqual(places(text));
			expect(Object.keys(own).filter((key) => key.startsWith('experiment.refuse.')).length).toBe(known.length);
		}
	});
	it('name the field as people say it', async () => {
		// Words of experiments come with the pages that say them.
		await words.with('outreach');
		expect(sayRefusal({ code: 'weight_range', field: 'variants[1].weight', params: {} })).toBe('Variant 2, the weight: must be 0 to 1000000');
		expect(sayRefusal({ code: 'variants_number', field: 'variants', params: { least: '2', most: '20' } })).toBe('the variants: must be 2 to 20');
		expect(sayRefusal({ code: 'exists', params: { key: 'a {key}' } })).toBe('there is an experiment `a {key}` already; choose another key');
		expect(sayRefusal({ code: 'unheard_of', params: {} })).toBeUndefined();
	});
});

describe('a change that can be noticed', () => {
	it('is said with two digits, and never smaller than it is', () => {
		expect([0.0834, 0.2, 0.101, 0.0999, 1.234, 0.00451].map(sensible)).toEqual([0.084, 0.2, 0.11, 0.1, 1.3, 0.0046]);
	});
});

describe('a design', () => {
	it('begins with what can be saved but for its name', () => {
		for (const kind of KINDS) {
			expect(missing(blank(kind))).toBe('name');
			expect(missing({ ...blank(kind), name: 'N' })).toBe('');
			expect(blank(kind).variants.filter((it) => it.is_control)).toHaveLength(1);
		}
		const twice = { ...blank(), name: 'N', variants: blank().variants.map((it) => ({ ...it, key: 'a' })) };
		expect(missing(twice)).toBe('variant_key');
		expect(missing({ ...blank(), name: 'N', variants: blank().variants.map((it) => ({ ...it, weight: 0 })) })).toBe('weights');
	});
	it('has keys that an address can carry', () => {
		expect(keyOf('  Größe & Farbe: neu! ')).toBe('gro-e-farbe-neu');
		expect(keyOf('新')).toBe('');
		expect(freeKey('a', ['a', 'a-2'])).toBe('a-3');
		expect(freeKey('', [])).toBe('variant');
	});
	it('shares add up, and values change their type as near as they can', () => {
		expect(shares([{ weight: 1 }, { weight: 3 }])).toEqual([0.25, 0.75]);
		expect(shares([{ weight: 0 }])).toEqual([0]);
		expect([asType('x', 'boolean', true), asType('x', 'boolean', false), asType('7', 'number', false), asType('x', 'number', false), asType(1, 'object', false), asType(true, 'text', false)]).toEqual([false, true, 7, 0, {}, '']);
	});
	it('comes to the builder with its conditions as trees', () => {
		const page = experiments(() => '2026-11-21T21:00:00Z').pages.find((it) => it.summary.key === 'new-search') as unknown as ExperimentPage;
		expect(withTrees(page).rules?.[0].condition).toEqual(page.conditions[0].condition);
		const named = { ...page, conditions: [{ ...page.conditions[0], name: 'Swedes' }] };
		expect(withTrees(named).rules?.[0].condition).toEqual({ segment: { key: 'auto-1' } });
	});
	it('plans what it would be read by', () => {
		const design = { ...blank(), name: 'N' };
		expect(planOf(design)).toEqual({ effect: 0.05, power: 0.8, scale: 'relative', method: 'always', alpha: 0.05, control: 0.5, treatments: 1 });
		expect(planOf({ ...design, primary: { key: 'refunds', name: 'r', direction: 'lower' } }).effect).toBe(-0.05);
	});
});

describe('an axis', () => {
	it('ends with a round number and shows what is measured', () => {
		expect([0.07, 0.11, 0.5, 3, 0].map(roundUp)).toEqual([0.1, 0.2, 0.5, 5, 1]);
		expect(axisOf([effect(0.1, -0.02, 0.18), null])).toBe(0.2);
		// One that nothing is known of does not squeeze the others: it goes beyond.
		expect(axisOf([effect(0.1, -3, 3)])).toBe(0.5);
		expect(axisOf([])).toBe(1);
		expect(axisOf([effect(0.1, -Infinity, Infinity)])).toBe(0.5);
	});
	it('places values between its ends', () => {
		expect(placed(0, 0.2)).toEqual({ at: 0.5, beyond: false });
		expect(placed(0.2, 0.2).at).toBe(1);
		expect(placed(Infinity, 0.2)).toEqual({ at: 1, beyond: true });
		expect(placed(-1, 0.2)).toEqual({ at: 0, beyond: true });
	});
	it('adds variants up by day', () => {
		const row = (day: string, exposed: number) => ({ day, variant: 'a', allocation: 1, exposed, mixed: 0 });
		expect(byDay([row('2026-11-02', 1), row('2026-11-01', 2), row('2026-11-02', 3)])).toEqual([{ day: '2026-11-01', exposed: 2 }, { day: '2026-11-02', exposed: 4 }]);
	});
});

it('every word of the vocabulary is written down', () => {
	const has = (key: string) => expect(en).toHaveProperty([`experiment.${key}`]);
	for (const word of ['too_early', 'untrustworthy', 'not_yet', 'better', 'harmful', 'worse', 'no_difference', 'unclear']) has(`verdict.${word}`);
	for (const word of ['better', 'worse', 'safe', 'breached', 'unclear']) has(`call.${word}`);
	for (const word of ['draft', 'running', 'paused', 'stopped', 'decided']) has(`state.${word}`);
	for (const word of ['can', 'cannot', 'do', 'note']) has(`tone.${word}`);
	for (const word of KINDS) has(`kind_about.${word}`);
});

describe('a group', () => {
	const group = (...places: [number, number, string | null][]): Group => ({ key: 'g', name: 'G', unit: 'anonymous', created_at: '', places: places.map(([from, to, experiment]) => ({ from, to, experiment })) });
	it('knows its free share, and gives a design its first free places', () => {
		const half = group([0, 2_000, 'a'], [2_000, 6_000, null], [6_000, 10_000, 'b']);
		expect(freeShare(half)).toBe(0.4);
		const design = inGroup(blank(), half);
		expect([design.unit, design.group]).toEqual(['anonymous', { group: 'g', from: 2_000, to: 6_000 }]);
		expect(inGroup(blank(), group([0, 10_000, 'a'])).group).toEqual(blank().group);
	});
});
