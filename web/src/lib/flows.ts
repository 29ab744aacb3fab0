// How people moved between the values of a fact from one date to another: the data of a Sankey picture, and sums for the sentence. Pure.
import type { FlowLink, Flows } from './api/segments';
import type { Period } from './conditions';

const DAY_MS = 86_400_000;

export interface FlowNode {
	/** Unique: the same value stands at both ends. */
	name: string;
	value: string | null;
	side: 'was' | 'is';
	people: number;
}
export interface Sankey {
	nodes: FlowNode[];
	links: { source: string; target: string; value: number; link: FlowLink }[];
}

const nodeName = (side: 'was' | 'is', value: string | null) => `${side}:${value ?? ''}`;

/** Nodes in the order of the vocabulary, what is not known last, at each end only those where somebody is. */
export function sankeyData({ values, links }: Pick<Flows, 'values' | 'links'>): Sankey {
	const flowing = links.filter((link) => link.people > 0);
	const others = [...new Set(flowing.flatMap((link) => [link.was, link.is]))].filter((value) => value !== null && !values.includes(value));
	const order = [...values, ...others, null];
	const nodes = (['was', 'is'] as const).flatMap((side) =>
		order.flatMap((value) => {
			const people = flowing.reduce((sum, link) => sum + (link[side] === value ? link.people : 0), 0);
			return people > 0 ? [{ name: nodeName(side, value), value, side, people }] : [];
		})
	);
	return { nodes, links: flowing.map((link) => ({ source: nodeName('was', link.was), target: nodeName('is', link.is), value: link.people, link })) };
}

/** Who moved first, the largest first; then who stayed. */
export function sortedLinks(links: FlowLink[]): FlowLink[] {
	const stays = (link: FlowLink) => (link.was === link.is ? 1 : 0);
	return links.filter((link) => link.people > 0).sort((a, b) => stays(a) - stays(b) || b.people - a.people);
}

/** How many people there are, how many of them moved, and where most went. */
export function flowSums(links: FlowLink[]): { people: number; moved: number; largest: FlowLink | null } {
	const moves = sortedLinks(links).filter((link) => link.was !== link.is);
	const sum = (some: FlowLink[]) => some.reduce((total, link) => total + link.people, 0);
	return { people: sum(links), moved: sum(moves), largest: moves[0] ?? null };
}

/** A period as two moments; the last day of dates counts whole. */
export function ends(period: Period, now: number): { from: string; to: string } {
	const iso = (at: number) => new Date(at).toISOString();
	if ('last' in period) return { from: iso(now - (parseInt(period.last, 10) || 30) * DAY_MS), to: iso(now) };
	const [from, to] = 'all' in period ? [undefined, undefined] : [period.from, period.to];
	const end = to ? Math.min(now, Date.parse(`${to.slice(0, 10)}T00:00:00Z`) + DAY_MS) : now;
	return { from: from ? iso(Date.parse(`${from.slice(0, 10)}T00:00:00Z`)) : iso(end - 30 * DAY_MS), to: iso(end) };
}

/** The end of a flow in an address, where an empty parameter would be dropped: a dash means not known yet. */
export const readEnd = (text: string | null): string | null => (text === null || text === '-' ? null : text);
export const writeEnd = (value: string | null): string => value ?? '-';
