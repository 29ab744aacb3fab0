// What a person said when they were asked whether they would recommend us.
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Responses = Schemas['ResponseList'];

/** Their scores from 0 to 10, the newest first. An answer that was only begun counts as well: it was given. */
export function recommendations(rows: Responses['rows']): { score: number; at: string }[] {
	const scores = rows.flatMap((row) => row.answers.filter((it) => it.kind === 'nps' && typeof it.number === 'number').map((it) => ({ score: it.number as number, at: row.completed_at ?? row.started_at })));
	return scores.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
}
