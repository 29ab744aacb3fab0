// What ECharts is told for the pictures of surveys. Pure apart from the colours it is given.
import { escape } from '$lib/escape';
import { labelWidth, openRuns, type Palette } from './components/chart/timeOptions';

const tip = (palette: Palette) => ({ confine: true, backgroundColor: palette.surface, borderColor: palette.line, textStyle: { color: palette.ink, fontSize: 13, fontFamily: palette.font } });
const axis = (palette: Palette) => ({ axisLabel: { color: palette.ink3, fontSize: 11 }, axisLine: { lineStyle: { color: palette.line } }, axisTick: { show: false }, splitLine: { lineStyle: { color: palette.grid } } });

export interface TrendPoint {
	name: string;
	/** What is said of it on hover, each line a text. */
	lines: string[];
	value: number | null;
	low: number | null;
	high: number | null;
	few: boolean;
	open: boolean;
	/** The change from the period before is more than chance. */
	changed: boolean;
}

/** The axis leaves room above and below the intervals, and ends at the ends of the measure. */
export function bounds(points: Pick<TrendPoint, 'low' | 'high'>[], least: number, most: number): [number, number] {
	const known = points.flatMap((it) => [it.low, it.high]).filter((it) => it !== null);
	if (!known.length) return [least, most];
	const [low, high] = [Math.min(...known), Math.max(...known)];
	const room = Math.max((high - low) * 0.1, (most - least) * 0.02);
	return [Math.max(least, low - room), Math.min(most, high + room)];
}

/** A score over time: its line, and its interval as a band. Hollow marks are of few answers; a ring marks a change that is more than chance. */
export function trendOptions(points: TrendPoint[], [least, most]: [number, number], format: (value: number) => string, palette: Palette): Record<string, unknown> {
	const colour = palette.series[0];
	const [min, max] = bounds(points, least, most);
	const open = openRuns(points.map((it) => it.open));
	const band = { type: 'line', symbol: 'none', silent: true, lineStyle: { opacity: 0 }, stack: 'band', stackStrategy: 'all', emphasis: { disabled: true } };
	return {
		textStyle: { fontFamily: palette.font, fontSize: 12 },
		grid: { left: 4, right: 16, top: 16, bottom: 4, containLabel: true, outerBoundsMode: 'same' },
		xAxis: { ...axis(palette), type: 'category', data: points.map((it) => it.name), boundaryGap: true, axisLabel: { color: palette.ink3, fontSize: 11, hideOverlap: true, margin: 10 } },
		yAxis: { ...axis(palette), type: 'value', min, max, splitNumber: 4, axisLabel: { color: palette.ink3, fontSize: 11, formatter: format, showMinLabel: false, showMaxLabel: false } },
		tooltip: { ...tip(palette), trigger: 'axis', axisPointer: { type: 'line', lineStyle: { color: palette.ink3, type: [2, 3] } }, formatter: (at: { dataIndex: number }[]) => points[at[0].dataIndex].lines.map((line, i) => (i === 0 ? `<div style="color:${palette.ink3};font-size:12px">${escape(line)}</div>` : `<div>${escape(line)}</div>`)).join('') },
		series: [
			{ ...band, data: points.map((it) => it.low) },
			{ ...band, data: points.map((it) => (it.low === null || it.high === null ? null : it.high - it.low)), areaStyle: { color: colour, opacity: 0.16 } },
			{
				type: 'line', color: colour, cursor: 'pointer', emphasis: { disabled: true }, lineStyle: { width: 2, color: colour },
				data: points.map((it) => ({ value: it.value, symbol: it.few ? 'emptyCircle' : 'circle', symbolSize: it.changed ? 12 : 7, itemStyle: it.changed ? { borderColor: palette.ink, borderWidth: 1.5 } : {} })),
				...(open.length ? { markArea: { silent: true, itemStyle: { color: palette.grid, opacity: 0.5 }, data: open.map(([from, to]) => [{ xAxis: from }, { xAxis: to }]) } } : {})
			}
		]
	};
}

export interface Placed {
	label: string;
	/** What is said of it on hover: its name, and then each line a text. */
	lines: string[];
	x: number;
	y: number;
	/** Intervals of both. */
	x_between: [number, number];
	y_between?: [number, number];
	/** Which colour of the series, and which shape: nothing is told by colour alone. */
	kind: number;
	/** What cannot be told from its neighbour is hollow. */
	hollow?: boolean;
}
const SHAPES = ['circle', 'rect', 'triangle', 'diamond', 'circle', 'rect'];

export interface Plane {
	x: { name: string; min: number; max: number; format: (value: number) => string };
	y: { name: string; min: number; max: number; format: (value: number) => string };
	/** Where the plane is parted. */
	parted: [number, number];
	/** What each quarter is called: upper left, upper right, lower left, lower right. */
	quarters: [string, string, string, string];
	narrow: boolean;
}

/** Where a label goes: to the side that has room. */
export const sideOf = (plane: Plane, it: Pick<Placed, 'x'>): 'left' | 'right' => ((it.x - plane.x.min) / (plane.x.max - plane.x.min) > 0.6 ? 'left' : 'right');

/** Points with their intervals on a plane of four quarters. */
export function planeOptions(points: Placed[], plane: Plane, palette: Palette): Record<string, unknown> {
	const { x, y, parted } = plane;
	const corner = (name: string, from: [number, number], to: [number, number], position: string) => [{ coord: from, name, label: { show: true, position, color: palette.ink3, fontSize: 12, fontFamily: palette.font, distance: 8 } }, { coord: to }];
	const room = plane.narrow ? 110 : 190;
	return {
		textStyle: { fontFamily: palette.font, fontSize: 12 },
		grid: { left: 24, right: 16, top: 12, bottom: 28, containLabel: true, outerBoundsMode: 'same' },
		xAxis: { ...axis(palette), type: 'value', min: x.min, max: x.max, name: x.name, nameLocation: 'middle', nameGap: 26, nameTextStyle: { color: palette.ink3 }, axisLabel: { color: palette.ink3, fontSize: 11, formatter: x.format }, splitLine: { show: false } },
		yAxis: { ...axis(palette), type: 'value', min: y.min, max: y.max, name: y.name, nameLocation: 'middle', nameGap: plane.narrow ? 34 : 40, nameTextStyle: { color: palette.ink3 }, axisLabel: { color: palette.ink3, fontSize: 11, formatter: y.format }, splitLine: { show: false } },
		tooltip: { ...tip(palette), trigger: 'item', formatter: ({ dataIndex, seriesId }: { dataIndex: number; seriesId: string }) => (seriesId === 'points' ? points[dataIndex].lines.map((line, i) => (i === 0 ? `<b style="font-weight:600">${escape(line)}</b>` : `<div>${escape(line)}</div>`)).join('') : '') },
		series: [
			{
				id: 'between', type: 'custom', silent: true, z: 1,
				data: points.map((it) => [it.x, it.y, ...it.x_between, ...(it.y_between ?? [it.y, it.y])]),
				renderItem: (_: unknown, api: { value: (i: number) => number; coord: (at: number[]) => number[] }) => {
					const [at, left, right] = [[api.value(0), api.value(1)], [api.value(2), api.value(1)], [api.value(3), api.value(1)]].map((it) => api.coord(it));
					const [low, high] = [[api.value(0), api.value(4)], [api.value(0), api.value(5)]].map((it) => api.coord(it));
					const line = (from: number[], to: number[]) => ({ type: 'line', shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style: { stroke: palette.ink3, lineWidth: 1, opacity: 0.55 } });
					return { type: 'group', children: [line(left, right), line(low, high), { type: 'circle', shape: { cx: at[0], cy: at[1], r: 0 } }] };
				}
			},
			{
				id: 'points', type: 'scatter', cursor: 'pointer', z: 2, emphasis: { disabled: true },
				data: points.map((it) => {
					const colour = palette.series[it.kind % palette.series.length];
					return { value: [it.x, it.y], symbol: SHAPES[it.kind % SHAPES.length], symbolSize: 11, itemStyle: it.hollow ? { color: palette.surface, borderColor: colour, borderWidth: 2 } : { color: colour }, label: { show: true, position: sideOf(plane, it), distance: 8, offset: it.x_between[0] < it.x_between[1] ? [0, -10] : [0, 0], formatter: it.label, color: palette.ink, fontSize: 12, fontFamily: palette.font, width: Math.min(room, labelWidth(it.label) + 4), overflow: 'truncate' } };
				}),
				labelLayout: { moveOverlap: 'shiftY' },
				markLine: { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: palette.line, type: 'solid' }, data: [{ xAxis: parted[0] }, { yAxis: parted[1] }] },
				markArea: {
					silent: true, itemStyle: { color: 'transparent' },
					data: [
						corner(plane.quarters[0], [x.min, y.max], [parted[0], parted[1]], 'insideTopLeft'),
						corner(plane.quarters[1], [parted[0], y.max], [x.max, parted[1]], 'insideTopRight'),
						corner(plane.quarters[2], [x.min, parted[1]], [parted[0], y.min], 'insideBottomLeft'),
						corner(plane.quarters[3], [parted[0], parted[1]], [x.max, y.min], 'insideBottomRight')
					]
				}
			}
		]
	};
}
