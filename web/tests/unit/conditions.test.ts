import { describe, expect, it } from 'vitest';
import * as c from '../../src/lib/conditions';

const price: c.Condition = { property: { path: 'price', op: 'at_least', value: 20 } };
const country: c.Condition = { fact: { key: 'trait.country', op: 'in', values: ['DE', 'AT'] } };

describe('what is not finished', () => {
	it('is left out, and empty groups with it', () => {
		const typing: c.Condition = { all: [price, { property: { path: '', op: 'equals' } }, { any: [{ fact: { key: 'trait.plan', op: 'equals', value: '' } }] }] };
		expect(c.finished(typing)).toEqual({ all: [price] });
		expect(c.finished({ all: [{ not: { property: { path: 'x', op: 'equals' } } }] })).toBeNull();
		expect(c.finished(null)).toBeNull();
	});
	it('needs as many values as its operator takes', () => {
		const test = (op: c.Operator, extra: object) => c.finished({ property: { path: 'x', op, ...extra } });
		expect(test('exists', {})).not.toBeNull();
		expect(test('between', { values: [1] })).toBeNull();
		expect(test('between', { values: [1, 2] })).not.toBeNull();
		expect(test('in', { values: [] })).toBeNull();
		expect(test('equals', { value: 0 })).not.toBeNull();
		expect(test('equals', { value: false })).not.toBeNull();
	});
	it('leaves spans open where no date is chosen', () => {
		const done = (within: c.Performed['within']) => (c.finished({ performed: { event: 'A', where: null, times: { at_least: 1 }, within } }) as { performed: c.Performed }).performed.within;
		expect(done({ from: '', to: '' })).toBeNull();
		expect(done({ from: '2026-01-01', to: '' })).toEqual({ from: '2026-01-01' });
		expect(done({ last: '90d' })).toEqual({ last: '90d' });
	});
});

describe('operators', () => {
	it('follow the type of the data', () => {
		expect(c.valueType(['integer', 'number', 'null'])).toBe('number');
		expect(c.valueType(['integer', 'text'])).toBe('text');
		expect(c.valueType([])).toBe('text');
		expect(c.valueType(['boolean'])).toBe('boolean');
	});
	it('keep the values that still make sense', () => {
		expect(c.withOperator({ op: 'equals', value: 'DE' }, 'in')).toEqual({ op: 'in', values: ['DE'] });
		expect(c.withOperator({ op: 'in', values: ['DE', 'AT'] }, 'equals')).toEqual({ op: 'equals', value: 'DE' });
		expect(c.withOperator({ op: 'equals', value: 'DE' }, 'exists')).toEqual({ op: 'exists' });
	});
	it('read numbers as numbers, and nothing else', () => {
		expect(c.readValue('12,5', 'number')).toBe(12.5);
		expect(c.readValue('twelve', 'number')).toBe('twelve');
		expect(c.readValue('', 'number')).toBe('');
		expect(c.readValue('12', 'text')).toBe('12');
	});
});

describe('groups', () => {
	it('survive the way into the editor and back', () => {
		for (const tree of [{ all: [price, country] }, { any: [country, { not: price }] }] as c.Condition[]) expect(c.fromGroup(c.asGroup(tree))).toEqual(tree);
		expect(c.fromGroup(c.asGroup(price))).toEqual({ all: [price] });
		expect(c.fromGroup({ kind: 'any', items: [] })).toBeNull();
	});
	it('change one item and leave the others', () => {
		const group = c.asGroup({ all: [price, country] });
		expect(c.replaceAt(group, 0, null).items).toEqual([country]);
		expect(c.replaceAt(group, 1, price).items).toEqual([price, price]);
		expect(group.items).toEqual([price, country]);
	});
	it('negate and negate back', () => {
		expect(c.negated(c.negated(price))).toEqual(price);
	});
	it('count their leaves', () => {
		expect(c.size({ all: [price, { any: [country, { not: price }] }] })).toBe(3);
		expect(c.size(null)).toBe(0);
	});
});

describe('times', () => {
	it('read what they write', () => {
		for (const times of [{ at_least: 3 }, { at_most: 2 }, { exactly: 0 }, { between: [1, 4] }] as c.Times[]) {
			const { how, low, high } = c.timesOf(times);
			expect(c.makeTimes(how, low, high)).toEqual(times);
		}
		expect(c.makeTimes('between', 5, 2)).toEqual({ between: [2, 5] });
	});
});
