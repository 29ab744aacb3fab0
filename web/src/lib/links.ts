// Addresses of pages that carry a question or a filter.
import { encodeQuestion, type Question } from './questions';

export const askUrl = (question: Question): string => `/insights/new?question=${encodeURIComponent(encodeQuestion(question))}`;

/** Only addresses within the console: a link that came over the wire never leads elsewhere. */
export const inside = (url: string): string => (/^\/(?![/\\])/.test(url) ? url : '/');
