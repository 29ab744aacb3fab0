// What customers propose, as its page shows it. Pure.
import type { components } from '$lib/api/schema';
import type { Texts } from '$lib/surveys';

type Schemas = components['schemas'];
export type Idea = Schemas['Idea'];
export type SimilarIdea = Schemas['SimilarIdea'];
export interface IdeaSettings {
	settings: { is_open: boolean; is_moderated: boolean; text: Texts };
	page_url: string;
}

export const STATES = ['new', 'open', 'planned', 'done', 'declined', 'hidden', 'merged'] as const;
export type State = (typeof STATES)[number];
/** What can be decided about an idea; what is new or a part of another one is so by itself. */
export const DECISIONS = ['open', 'planned', 'done', 'declined', 'hidden'] as const;
export type Decision = (typeof DECISIONS)[number];

export const TONES: Record<string, string> = { new: 'warn', open: 'on', planned: 'on', done: 'good' };

/** Whether a decision can be sent: who declines says why. */
export const isReady = (state: string, answer: string): boolean => state !== 'declined' || answer.trim() !== '';

/** The texts above the box with this one changed; an empty one is none. */
export function withText(texts: Texts, language: string, text: string): Texts {
	const { [language]: _, ...others } = texts;
	return text.trim() ? { ...others, [language]: text.trim() } : others;
}
