// Sentences of timelines in Chinese. What is not known is said as it came.
import { knownOf, recognize } from '../recognize';
import { fill } from './fill';
import { told as sentences } from './zh/told';

const CHINESE = Object.fromEntries(sentences);
const KNOWN = knownOf(Object.fromEntries(sentences.map(([english]) => [english, english])));

export function told(text: string): string {
	const known = recognize(KNOWN, text);
	return known ? fill(CHINESE[known.key], known.params, 'zh-CN') : text;
}
