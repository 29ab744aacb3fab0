// What ECharts is told for themes: how much more is said of them, how people feel about them, and how many texts there are. Pure apart from its colours.
import { escape } from '$lib/escape';
import type { Bubble } from '$lib/themes';
import type { Palette } from './timeOptions';

export interface BubbleWords {
	name: (bubble: Bubble) => string;
	/** What the hover says, line by line. */
	lines: (bubble: Bubble) => string[];
	/** How often more, as the axis says it: "½×", "same", "2×". */
	times: (doublings: number) => string;
	fresh: string;
	good: string;
	bad: string;
	narrow: boolean;
}

/** The place of a colour in the palette, by what changed. */
const COLOURS: Record<string, number> = { new: 1, growing: 5, shrinking: 4, steady: 0 };
const SMALLEST = 10;
const LARGEST = 54;

/** How wide a bubble is: its area goes with its texts. */
export const bubbleSize = (texts: number, most: number, narrow: boolean): number => SMALLEST + ((narrow ? 36 : LARGEST) - SMALLEST) * Math.sqrt(texts / Math.max(most, 1));

export function bubbleOptions({ bubbles, doublings }: { bubbles: Bubble[]; doublings: number }, palette: Palette, words: BubbleWords, description: string): Record<string, unknown> {
	const most = Math.max(1, ...bubbles.map((it) => it.theme.texts));
	const hasNew = bubbles.some((it) => it.isNew);
	const right = hasNew ? doublings + 1.1 : doublings + 0.35;
	const low = Math.min(-0.4, ...bubbles.map((it) => it.y - 0.15));
	const high = Math.max(0.4, ...bubbles.map((it) => it.y + 0.15));
	const axis = { axisTick: { show: false }, axisLine: { lineStyle: { color: palette.line } }, splitLine: { lineStyle: { color: palette.grid } } };
	const line = { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: palette.ink3, type: [3, 3], width: 1 } };
	return {
		animation: false,
		aria: { enabled: true, label: { description } },
		textStyle: { fontFamily: palette.font, fontSize: 12 },
		grid: { left: words.narrow ? 34 : 40, right: 14, top: 14, bottom: 28 },
		xAxis: { type: 'value', min: -doublings - 0.35, max: right, interval: 1, ...axis, splitLine: { show: false }, axisLabel: { color: palette.ink3, fontSize: 11, showMinLabel: false, showMaxLabel: false, customValues: [...Array.from({ length: doublings * 2 + 1 }, (_, i) => i - doublings), ...(hasNew ? [doublings + 0.6] : [])], formatter: (at: number) => (at > doublings ? words.fresh : words.times(at)) } },
		yAxis: { type: 'value', min: Math.max(-1, Math.floor(low * 2) / 2), max: Math.min(1, Math.ceil(high * 2) / 2), interval: 0.5, ...axis, axisLine: { show: false }, axisLabel: { color: palette.ink3, fontSize: 11, customValues: [-1, -0.5, 0, 0.5, 1], formatter: (at: number) => (Math.abs(at) < 1e-9 ? '0' : `${at > 0 ? '+' : '−'}${Math.abs(at).toFixed(1)}`) } },
		tooltip: {
			confine: true,
			backgroundColor: palette.surface,
			borderColor: palette.line,
			textStyle: { color: palette.ink, fontSize: 13, fontFamily: palette.font },
			formatter: ({ data }: { data: { bubble?: Bubble } }) => (data.bubble ? `<b>${escape(words.name(data.bubble))}</b><br/>${words.lines(data.bubble).map(escape).join('<br/>')}` : '')
		},
		series: [{
			type: 'scatter',
			cursor: 'pointer',
			data: bubbles.map((bubble) => ({
				bubble,
				value: [bubble.x, bubble.y],
				symbolSize: bubbleSize(bubble.theme.texts, most, words.narrow),
				// See-through by its colour: an item's opacity would be its label's, too.
				itemStyle: { color: `${palette.series[COLOURS[bubble.theme.volume] ?? 0]}${bubble.theme.volume === 'steady' ? '73' : 'bf'}`, borderColor: palette.surface, borderWidth: 1 }
			})),
			label: { show: true, position: 'top', distance: 3, formatter: ({ data }: { data: { bubble: Bubble } }) => words.name(data.bubble), color: palette.ink, fontSize: 11, fontFamily: palette.font, width: words.narrow ? 84 : 150, overflow: 'truncate', textBorderColor: palette.surface, textBorderWidth: 2 },
			labelLayout: { moveOverlap: 'shiftY', hideOverlap: true },
			markLine: { ...line, data: [{ xAxis: 0 }, { yAxis: 0 }] },
			...(hasNew ? { markArea: { silent: true, itemStyle: { color: palette.grid, opacity: 0.5 }, data: [[{ xAxis: doublings + 0.3 }, { xAxis: right }]] } } : {})
		}]
	};
}
