// When people buy again: the curve as steps, and of which of its figures the sentence speaks. Pure.
import type { components } from './api/schema';

type Schemas = components['schemas'];
export type When = Schemas['ChurnWhen'];
export type Waits = Schemas['ChurnWaits'];
export type ByWeek = Schemas['ChurnWaitsByWeek'];
type Point = Schemas['ChurnWaitsPoint'];
type Place = (value: number) => number;

/** As short as a picture needs it. */
const short = (value: number): string => String(Math.round(value * 10) / 10);

/** What had come by the end of a week holds until the end of the next one. It begins at the purchase, when nobody has come. */
export const stepPath = (points: Point[], x: Place, y: Place): string => `M${short(x(0))} ${short(y(0))}${points.map((it) => `H${short(x(it.weeks))}V${short(y(it.share.value))}`).join('')}`;

/** Its interval: along the upper ends, and back along the lower ones. */
export function bandPath(points: Point[], x: Place, y: Place): string {
	const last = points.at(-1);
	if (!last) return '';
	const up = points.map((it) => `H${short(x(it.weeks))}V${short(y(it.share.high))}`).join('');
	const back = points.map((_, at) => points[at - 1]).reverse().map((before) => `V${short(y(before?.share.low ?? 0))}H${short(x(before?.weeks ?? 0))}`).join('');
	return `M${short(x(0))} ${short(y(0))}${up}V${short(y(last.share.low))}${back}Z`;
}

/** About a quarter says most: later weeks are of fewer people, and of longer ago. */
const TOLD = 13;
/** The row that the sentence speaks of: the last that is told of the first quarter. */
export const rowToTell = (waits: Waits): ByWeek | undefined => waits.weeks.filter((it) => it.share && it.weeks <= TOLD).at(-1);
