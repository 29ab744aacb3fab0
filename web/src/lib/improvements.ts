// Improvements: what the company changes because of what customers write.
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Improvement = Schemas['Improvement'];
export type ImprovementDetail = Improvement & Pick<Schemas['ImprovementDetail'], 'log'>;
export type ImprovementEffect = Schemas['ImprovementEffect'];

export const STATES = ['proposed', 'decided', 'changed', 'measured', 'dropped'] as const;

/** One phrase a line, as it is typed; blank lines and doubles go. */
export const phrasesOf = (text: string): string[] => [...new Set(text.split('\n').map((line) => line.trim().replace(/\s+/g, ' ')).filter(Boolean))].slice(0, 20);

/** What a theme is counted by: its two most telling words together. */
export const phraseOfTheme = (words: string[]): string => words.slice(0, 2).join(' ');
