// What ECharts is told for flows between two dates. Pure apart from the colours it is given.
import { escape } from '$lib/escape';
import type { FlowLink } from '$lib/api/segments';
import type { Sankey } from '$lib/flows';
import type { Palette } from './timeOptions';

export interface SankeyWords {
	/** A value in the reader's words. */
	name: (value: string | null) => string;
	number: (value: number) => string;
	/** A flow in words, for the hover. */
	flow: (was: string | null, is: string | null, people: number) => string;
	narrow: boolean;
}

/** The same value has the same colour at both ends, so that who stayed is seen at once. */
export function colours({ nodes }: Sankey, palette: Pick<Palette, 'series' | 'line'>): Map<string | null, string> {
	const values = [...new Set(nodes.map((node) => node.value))].filter((value) => value !== null);
	return new Map<string | null, string>([...values.map((value, i): [string, string] => [value, palette.series[i % palette.series.length]]), [null, palette.line]]);
}

export function sankeyOptions(data: Sankey, palette: Palette, words: SankeyWords, description: string): Record<string, unknown> {
	const colour = colours(data, palette);
	const room = words.narrow ? 96 : 150;
	return {
		animation: false,
		aria: { enabled: true, label: { description } },
		tooltip: {
			confine: true,
			backgroundColor: palette.surface,
			borderColor: palette.line,
			textStyle: { color: palette.ink, fontSize: 13, fontFamily: palette.font },
			formatter: ({ data: at }: { data: { link?: FlowLink; known?: string | null; people?: number } }) =>
				at.link ? escape(words.flow(at.link.was, at.link.is, at.link.people)) : `${escape(words.name(at.known ?? null))} <b>${words.number(at.people ?? 0)}</b>`
		},
		series: [{
			type: 'sankey',
			left: room, right: room, top: 8, bottom: 22,
			nodeWidth: 12, nodeGap: 18, layoutIterations: 0, draggable: false, cursor: 'pointer',
			emphasis: { focus: 'adjacency', lineStyle: { opacity: 0.7 } },
			// Without a layout of its own the order is that of the vocabulary.
			data: data.nodes.map((node) => ({
				name: node.name,
				people: node.people,
				known: node.value,
				depth: node.side === 'was' ? 0 : 1,
				itemStyle: { color: colour.get(node.value), borderWidth: 0 },
				label: { position: node.side === 'was' ? 'left' : 'right', formatter: () => `${words.name(node.value)}\n{n|${words.number(node.people)}}`, rich: { n: { color: palette.ink3, fontSize: 11, lineHeight: 14 } }, color: palette.ink, fontSize: 12, lineHeight: 14, fontFamily: palette.font, width: room - 12, overflow: 'truncate' }
			})),
			links: data.links.map((link) => ({ ...link, lineStyle: { color: colour.get(link.link.was), opacity: 0.35, curveness: 0.5 } }))
		}]
	};
}
