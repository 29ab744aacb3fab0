// What ECharts is told for a network of items in a circle. Pure apart from the colours it is given.
import { escape } from '$lib/escape';
import type { Item, Pair } from '$lib/baskets';
import type { Palette } from './timeOptions';

export interface GraphWords {
	/** An item in the reader's words, for its label. */
	name: (id: string) => string;
	/** An item and how often it is bought, for the hover. */
	item: (item: Item) => string;
	/** A pair in words, for the hover. */
	pair: (pair: Pair) => string;
	narrow: boolean;
}

/** The colours of categories: eight, then again from the first. */
export function colours(items: Item[], palette: Pick<Palette, 'series'>): Map<string, string> {
	const categories = [...new Set(items.map((item) => item.category ?? ''))];
	return new Map(categories.map((it, i) => [it, palette.series[i % palette.series.length]!]));
}

export function graphOptions(items: Item[], pairs: Pair[], palette: Palette, words: GraphWords, description: string): Record<string, unknown> {
	const colour = colours(items, palette);
	const most = Math.max(1, ...items.map((item) => item.baskets));
	const surest = Math.max(1.01, ...pairs.map((pair) => pair.rule.lift_low));
	const room = words.narrow ? 88 : 150;
	return {
		animation: false,
		aria: { enabled: true, label: { description } },
		tooltip: {
			confine: true,
			backgroundColor: palette.surface,
			borderColor: palette.line,
			extraCssText: 'max-width: 300px; white-space: normal; overflow-wrap: anywhere;',
			textStyle: { color: palette.ink, fontSize: 13, fontFamily: palette.font },
			formatter: ({ data: at }: { data: { item?: Item; pair?: Pair } }) => escape(at.pair ? words.pair(at.pair) : at.item ? words.item(at.item) : '')
		},
		series: [{
			type: 'graph', layout: 'circular', circular: { rotateLabel: true },
			left: room, right: room, top: room, bottom: room, roam: false, cursor: 'pointer',
			emphasis: { focus: 'adjacency', lineStyle: { opacity: 0.9 } },
			label: { show: true, position: 'right', color: palette.ink, fontSize: words.narrow ? 10 : 12, fontFamily: palette.font, width: room - 14, overflow: 'truncate', formatter: ({ data: at }: { data: { item: Item } }) => words.name(at.item.id) },
			data: items.map((item) => ({ id: item.id, name: item.id, item, symbolSize: 6 + 14 * Math.sqrt(item.baskets / most), itemStyle: { color: colour.get(item.category ?? '') } })),
			links: pairs.map((pair) => ({ source: pair.one, target: pair.other, pair, lineStyle: { color: palette.ink3, width: 1 + 4 * (Math.log(pair.rule.lift_low) / Math.log(surest)), opacity: 0.5, curveness: 0.25 } }))
		}]
	};
}
