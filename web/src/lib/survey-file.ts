// A file of answers from another program: what its columns can be, and what is asked of the server. Pure.
import type { components } from '$lib/api/schema';
import { questionsOf, type Definition, type Question } from './surveys';

type Schemas = components['schemas'];
export type FileLook = Omit<Schemas['ResponseFileShape'], 'first'> & { first: { line: number; answers: Record<string, unknown> }[] };
/** What is known of a response beside its answers. */
export const MEANINGS = [':id', ':email', ':user_id', ':answered_at', ':language', ':touchpoint', ':product_id', ':agent_id', ':subject_id'] as const;
export const MOST_BYTES = 16 << 20;

/** The parts that a column can be of: of most questions the question itself, of some each of their parts. */
export function partsIn(question: Question): string[] {
	const { answer } = question;
	if (answer.kind === 'kano') return ['functional', 'dysfunctional'];
	if (answer.kind === 'matrix') return answer.rows.map((it) => it.key);
	if (answer.kind === 'multiple') return [...answer.choices.map((it) => it.key), ...(answer.other ? ['other'] : [])];
	if (answer.kind === 'single' && answer.other) return ['other'];
	return answer.kind === 'ranking' ? answer.choices.map((it) => it.key) : [];
}
export interface Target {
	value: string;
	question: string;
	part: string;
}
export function targetsOf(definition: Definition): Target[] {
	return questionsOf(definition).flatMap((question) => {
		const parts = partsIn(question);
		const own = { value: question.key, question: question.key, part: '' };
		// What is chosen or ranked may come whole, in one column.
		return parts.length ? [...('choices' in question.answer ? [own] : []), ...parts.map((part) => ({ value: `${question.key}.${part}`, question: question.key, part }))] : [own];
	});
}
/** What the columns are, as the server was told or has proposed; those that are left out are named as nothing. */
export const mappingOf = (look: Pick<FileLook, 'columns'>): Record<string, string> => Object.fromEntries(look.columns.map((it) => [it.name, it.meaning ?? '']));
/** As it is sent: what is left out is not there. */
export const sentMapping = (mapping: Record<string, string>): Record<string, string> => Object.fromEntries(Object.entries(mapping).filter(([, meaning]) => meaning));
/** Columns that mean the same as another one. */
export function doubled(mapping: Record<string, string>): string[] {
	const all = Object.values(mapping).filter(Boolean);
	return [...new Set(all.filter((it, at) => all.indexOf(it) !== at))];
}
/** Whether anything is answered in it at all. */
export const hasAnswers = (mapping: Record<string, string>): boolean => Object.values(mapping).some((it) => it && !it.startsWith(':'));
/** An answer as one reads it in the preview. */
export const shownAnswer = (value: unknown): string => (value === null || value === undefined ? '' : typeof value === 'object' ? Object.entries(value).map(([part, it]) => `${part}=${shownAnswer(it)}`).join('; ') : String(value));
