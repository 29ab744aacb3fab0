import { describe, expect, it } from 'vitest';
import * as q from '../../src/lib/questions';

describe('the address', () => {
	it('carries every kind of question', () => {
		for (const kind of q.KINDS) {
			const question = q.firstQuestion(kind);
			expect(q.decodeQuestion(q.encodeQuestion(question))).toEqual(question);
		}
	});
	it('is not trusted', () => {
		for (const text of [null, '', '{', 'null', '[]', '"trend"', '{"kind":"drop table"}']) expect(q.decodeQuestion(text)).toBeNull();
	});
	it('completes what an older console left out', () => {
		const question = q.decodeQuestion('{"kind":"trend","series":[{"event":"A","where":null,"measure":"count"}]}');
		expect(question).toMatchObject({ interval: 'week', series: [{ event: 'A' }] });
	});
});

describe('what can be asked', () => {
	it('leaves out unfinished steps and asks nothing with fewer than two', () => {
		const funnel = q.firstQuestion('funnel') as q.Funnel;
		const typing = { ...funnel, steps: [...funnel.steps, { event: '', where: null }] };
		expect(q.askable(typing)).toEqual(q.askable(funnel));
		expect(q.askable({ ...funnel, steps: [{ event: 'A', where: null }, { event: '', where: null }] })).toBeNull();
	});
	it('waits for the property of a sum', () => {
		const trend = q.firstQuestion('trend') as q.Trend;
		expect(q.askable({ ...trend, series: [{ event: 'A', where: null, measure: 'sum' }] })).toBeNull();
		expect(q.askable({ ...trend, series: [{ event: 'A', where: null, measure: 'sum', property: 'revenue' }] })).not.toBeNull();
	});
	it('never compares where the server cannot', () => {
		const compared = { ...q.firstQuestion('trend'), compare: true };
		expect(q.firstQuestion('retention', compared).compare).toBe(false);
		expect(q.firstQuestion('rfm', compared).compare).toBe(false);
		expect(q.firstQuestion('funnel', compared).compare).toBe(true);
	});
});

describe('sameness', () => {
	it('does not mind the order of keys, nor null against absent', () => {
		const trend = q.firstQuestion('trend') as q.Trend;
		const again = JSON.parse(JSON.stringify({ ...trend, who: undefined }));
		expect(q.sameQuestion(trend, Object.fromEntries(Object.entries(again).reverse()) as unknown as q.Question)).toBe(true);
		expect(q.sameQuestion(trend, { ...trend, interval: 'day' })).toBe(false);
	});
});

describe('spans', () => {
	it('are read, and odd ones replaced', () => {
		expect(q.readSpan('90m')).toEqual({ count: 90, unit: 'm' });
		expect(q.readSpan('soon')).toEqual({ count: 14, unit: 'd' });
	});
});
