// What ECharts is told for values over time. Pure apart from the colours it is given, so that it can be tested without a screen.
import { escape } from '$lib/escape';
import { compact } from '$lib/formatting';

export interface TimeSeries {
	label: string;
	values: (number | null)[];
	compare?: (number | null)[] | null;
}
export interface TimeData {
	shape: 'line' | 'bar';
	names: string[];
	longNames: string[];
	incomplete: boolean[];
	series: TimeSeries[];
	format: (value: number) => string;
	axis: (value: number) => string;
	compareLabel: string;
	incompleteLabel: string;
	narrow: boolean;
}
export interface Palette {
	series: string[];
	text: string[];
	ink: string;
	ink3: string;
	grid: string;
	line: string;
	surface: string;
	font: string;
}

/** Diagonal lines, over a colour where there is one: what is not over yet. */
function hatch(lines: string, under = 'none', width = 1): Record<string, unknown> {
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="6" height="6"><rect width="6" height="6" fill="${under}"/><path d="M-1 1 1-1M-1 7 7-1M5 7 7 5" stroke="${lines}" stroke-width="${width}" fill="none"/></svg>`;
	return { image: `data:image/svg+xml,${encodeURIComponent(svg)}`, imageWidth: 6, imageHeight: 6, repeat: 'repeat' };
}

/** The parts of a line that are not whole, each up to the next whole point, so that the dashes join it. */
export function openParts(values: (number | null)[], incomplete: boolean[]): (number | null)[] {
	return values.map((value, i) => (incomplete[i - 1] || incomplete[i] || incomplete[i + 1] ? value : null));
}

/** From where to where the plot is hatched: each run of incomplete intervals, up to the whole points beside it. */
export function openRuns(incomplete: boolean[]): [number, number][] {
	const runs: [number, number][] = [];
	incomplete.forEach((open, i) => {
		if (!open) return;
		const to = Math.min(i + 1, incomplete.length - 1);
		const last = runs.at(-1);
		if (last && incomplete[i - 1]) last[1] = to;
		else runs.push([Math.max(i - 1, 0), to]);
	});
	return runs;
}

export function closedPart(values: (number | null)[], incomplete: boolean[]): (number | null)[] {
	return values.map((value, i) => (incomplete[i] ? null : value));
}

/** Rough width of a label at 12 px; enough to leave room for it. */
export const labelWidth = (text: string): number => [...text].reduce((sum, c) => sum + (c.charCodeAt(0) > 0x2e80 ? 12 : 6.6), 0);

function tooltip(data: TimeData, palette: Palette, index: number): string {
	const head = `<div style="color:${palette.ink3};font-size:12px">${escape(data.longNames[index])}${data.incomplete[index] ? ` · ${escape(data.incompleteLabel)}` : ''}</div>`;
	const row = (colour: string, label: string, value: number | null | undefined) =>
		`<div style="display:flex;gap:8px;align-items:center"><i style="width:8px;height:8px;border-radius:2px;background:${colour}"></i><span style="flex:1">${escape(label)}</span><b style="font-weight:600;margin-left:16px">${value === null || value === undefined ? '–' : escape(data.format(value))}</b></div>`;
	const rows = data.series.map((s, i) => {
		const colour = palette.series[i % palette.series.length];
		return row(colour, s.label, s.values[index]) + (s.compare ? row('transparent', data.compareLabel, s.compare[index]) : '');
	});
	return head + rows.join('');
}

export function timeOptions(data: TimeData, palette: Palette, description: string): Record<string, unknown> {
	const bars = data.shape === 'bar';
	const direct = !bars && !data.narrow && (data.series.length > 1 || data.series.some((s) => s.compare));
	const right = direct ? Math.min(150, Math.max(...data.series.flatMap((s) => [labelWidth(s.label), s.compare ? labelWidth(data.compareLabel) : 0])) + 12) : 12;
	const firstOpen = data.incomplete.indexOf(true);
	const common = { emphasis: { disabled: true }, animationDuration: 200, cursor: 'pointer' };

	const series = data.series.flatMap((s, i): Record<string, unknown>[] => {
		const colour = palette.series[i % palette.series.length];
		if (bars) {
			const values = s.values.map((value, at) => ({
				value,
				itemStyle: data.incomplete[at] ? { color: hatch(palette.surface, colour, 1.6) } : {}
			}));
			return [{ ...common, type: 'bar', name: s.label, stack: 'all', data: values, itemStyle: { color: colour, borderColor: palette.surface, borderWidth: data.series.length > 1 ? 0.5 : 0 }, barMaxWidth: 44, barCategoryGap: '32%' }];
		}
		const line = { ...common, type: 'line', name: s.label, color: colour, symbol: 'circle', symbolSize: 6, showSymbol: s.values.length < 3, lineStyle: { width: 2, color: colour } };
		// The label sits where the line ends: on the open part when there is one, on the closed part otherwise.
		const end = (on: boolean, label = s.label) => ({
			endLabel: { show: on && direct, formatter: () => label, color: palette.text[i % palette.text.length], fontSize: 12, fontFamily: palette.font, width: 140, overflow: 'truncate' },
			labelLayout: { moveOverlap: 'shiftY' }
		});
		const out: Record<string, unknown>[] = [{ ...line, ...end(firstOpen < 0), data: closedPart(s.values, data.incomplete) }];
		if (firstOpen >= 0) out.push({ ...line, ...end(true), data: openParts(s.values, data.incomplete), symbol: 'emptyCircle', lineStyle: { width: 2, type: [4, 4], color: colour } });
		if (s.compare) out.push({ ...line, ...end(data.series.length === 1, data.compareLabel), data: s.compare, symbol: 'none', lineStyle: { width: 1.5, type: [2, 3], color: colour, opacity: 0.6 } });
		return out;
	});
	if (firstOpen >= 0 && !bars && series[0]) {
		series[0].markArea = { silent: true, itemStyle: { color: hatch(palette.line) }, data: openRuns(data.incomplete).map(([from, to]) => [{ xAxis: from }, { xAxis: to }]) };
	}
	return {
		aria: { enabled: true, label: { description } },
		textStyle: { fontFamily: palette.font, fontSize: 12 },
		animation: false,
		grid: { left: 4, right, top: 16, bottom: 4, containLabel: true, outerBoundsMode: 'same' },
		xAxis: { type: 'category', data: data.names, boundaryGap: bars, axisTick: { show: false }, axisLine: { lineStyle: { color: palette.line } }, axisLabel: { color: palette.ink3, fontSize: 11, hideOverlap: true, margin: 10 } },
		// What goes out is drawn below the line; everything else starts at zero.
		yAxis: { type: 'value', ...(data.series.some((s) => s.values.some((value) => value !== null && value < 0)) ? {} : { min: 0 }), splitNumber: 4, axisLabel: { color: palette.ink3, fontSize: 11, formatter: data.axis }, splitLine: { lineStyle: { color: palette.grid } } },
		tooltip: {
			trigger: 'axis',
			confine: true,
			axisPointer: bars ? { type: 'shadow', shadowStyle: { color: palette.grid, opacity: 0.6 } } : { type: 'line', lineStyle: { color: palette.ink3, type: [2, 3] } },
			backgroundColor: palette.surface,
			borderColor: palette.line,
			textStyle: { color: palette.ink, fontSize: 13, fontFamily: palette.font },
			formatter: (points: { dataIndex: number }[]) => tooltip(data, palette, points[0].dataIndex)
		},
		series
	};
}

/** The series whose value at `index` is nearest to what was clicked; for bars, the segment of the stack that was hit. */
export function pickSeries(data: TimeData, index: number, value: number): number {
	if (data.shape === 'bar') {
		let top = 0;
		for (let i = 0; i < data.series.length; i++) {
			top += data.series[i].values[index] ?? 0;
			if (value <= top) return i;
		}
		return data.series.length - 1;
	}
	let best = 0;
	const distance = (i: number) => Math.abs((data.series[i].values[index] ?? Infinity) - value);
	for (let i = 1; i < data.series.length; i++) if (distance(i) < distance(best)) best = i;
	return best;
}

export const axisNumber = (locale: string) => (value: number) => compact({ locale, zone: 'UTC', now: Date.now }, value);
