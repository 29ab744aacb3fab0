import { describe, expect, it, vi } from 'vitest';
import { closedPart, openParts, openRuns, pickSeries, timeOptions, type Palette, type TimeData } from '../../src/lib/components/chart/timeOptions';

vi.mock('../../src/lib/picture', () => ({ save: vi.fn() }));
const { parseCsv, toCsv } = await import('../../src/lib/csv');

const data = (shape: 'line' | 'bar'): TimeData => ({
	shape, names: ['a', 'b', 'c'], longNames: ['A', 'B', 'C'], incomplete: [false, false, true], series: [{ label: 'one', values: [1, 2, 3] }, { label: '<b>two</b>', values: [10, null, 30] }],
	format: String, axis: String, compareLabel: 'before', incompleteLabel: 'open', narrow: false
});
const palette: Palette = { series: ['#111', '#222'], text: ['#111', '#222'], ink: '#000', ink3: '#333', grid: '#eee', line: '#ddd', surface: '#fff', font: 'sans' };

describe('an open period', () => {
	it('is split off the line and joined to it', () => {
		expect(closedPart([1, 2, 3], [false, false, true])).toEqual([1, 2, null]);
		expect(openParts([1, 2, 3], [false, false, true])).toEqual([null, 2, 3]);
		expect(openParts([1, 2, 3, 4], [true, false, false, true])).toEqual([1, 2, 3, 4]);
	});
	it('is hatched by itself, also where both ends are open', () => {
		expect(openRuns([false, false, true])).toEqual([[1, 2]]);
		expect(openRuns([true, false, false, false, true, true])).toEqual([[0, 1], [3, 5]]);
		expect(openRuns([false, false])).toEqual([]);
	});
	it('is hatched', () => {
		const bars = timeOptions(data('bar'), palette, '').series as { data: { itemStyle: { color?: object } }[] }[];
		expect(bars[0].data.map((bar) => bar.itemStyle.color !== undefined)).toEqual([false, false, true]);
		const lines = timeOptions(data('line'), palette, '').series as { markArea?: object }[];
		expect(lines[0].markArea).toBeDefined();
	});
});

describe('a chart', () => {
	it('starts at zero', () => {
		for (const shape of ['line', 'bar'] as const) expect(timeOptions(data(shape), palette, '').yAxis).toMatchObject({ min: 0 });
	});
	it('goes below zero only for what goes out', () => {
		const flow = { ...data('bar'), series: [{ label: 'in', values: [1, 2, 3] }, { label: 'out', values: [-1, 0, -2] }] };
		expect(timeOptions(flow, palette, '').yAxis).not.toHaveProperty('min');
	});
	it('shows text from outside as text in its tooltip', () => {
		const { formatter } = timeOptions(data('line'), palette, '').tooltip as { formatter: (points: { dataIndex: number }[]) => string };
		expect(formatter([{ dataIndex: 2 }])).toContain('&lt;b&gt;two&lt;/b&gt;');
		expect(formatter([{ dataIndex: 2 }])).not.toContain('<b>two');
	});
	it('knows which line or segment was meant', () => {
		expect(pickSeries(data('line'), 2, 25)).toBe(1);
		expect(pickSeries(data('line'), 1, 25)).toBe(0);
		expect(pickSeries(data('bar'), 2, 2)).toBe(0);
		expect(pickSeries(data('bar'), 2, 20)).toBe(1);
	});
});

describe('CSV', () => {
	it('quotes what must be quoted', () => {
		expect(toCsv(['a', 'b'], [['x,y', 'say "hi"'], [1, null]])).toBe('a,b\r\n"x,y","say ""hi"""\r\n1,\r\n');
	});
	it('is read back as it was written', () => {
		const rows = [['a', 'b,c', 'say "hi"'], ['', 'two\nlines', 'x']];
		expect(parseCsv(toCsv(['p', 'q', 'r'], rows))).toEqual([['p', 'q', 'r'], ...rows]);
		expect(parseCsv('a\nb\nc', 2)).toEqual([['a'], ['b']]);
	});
	it('starts no formula in a spreadsheet, and leaves numbers alone', () => {
		expect(toCsv(['a'], [['=1+1'], ['@x'], ['-12.5'], [-3]])).toBe("a\r\n'=1+1\r\n'@x\r\n-12.5\r\n-3\r\n");
	});
});
