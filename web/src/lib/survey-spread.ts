// How answers spread over a scale, as parts from the poor end to the good one. Pure.
import type { Cell, Series } from './surveys';

export type Tone = 'bad' | 'low' | 'mid' | 'high' | 'good';
export interface Part {
	from: number;
	to: number;
	answers: number;
	share: number;
	tone: Tone;
	stance?: 'detractors' | 'passives' | 'promoters';
}

/** The tone of the i-th of n values, the poor end first. */
export function toneAt(i: number, n: number): Tone {
	const place = n === 1 ? 1 : i / (n - 1);
	if (place < 0.2) return 'bad';
	if (place < 0.45) return 'low';
	if (place <= 0.55) return 'mid';
	return place <= 0.8 ? 'high' : 'good';
}

export function partsOf(series: Pick<Series, 'kind' | 'low' | 'high' | 'direction'>, cell: Pick<Cell, 'answers' | 'values'>): Part[] {
	const of = (from: number, to: number) => cell.values.reduce((sum, it) => (it.value >= from && it.value <= to ? sum + it.answers : sum), 0);
	const part = (from: number, to: number, tone: Tone, stance?: Part['stance']): Part => ({ from, to, tone, stance, answers: of(from, to), share: cell.answers ? of(from, to) / cell.answers : 0 });
	if (series.kind === 'nps') return [part(0, 6, 'bad', 'detractors'), part(7, 8, 'mid', 'passives'), part(9, 10, 'good', 'promoters')];
	const n = series.high - series.low + 1;
	const values = Array.from({ length: n }, (_, i) => (series.direction === 'down' ? series.high - i : series.low + i));
	return values.map((value, i) => part(value, value, toneAt(i, n)));
}
