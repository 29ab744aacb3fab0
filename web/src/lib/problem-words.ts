// What the server refuses, in Chinese. It is loaded when something is refused and the reader reads Chinese; what is not known is said as it came.
import { problems as english } from './i18n/en/problems';
import { problems as chinese } from './i18n/zh/problems';
import { fill } from './i18n/fill';
import { knownOf, recognize } from './recognize';

const KNOWN = knownOf(english);

/** A text of a problem. One that begins with the field it is of keeps that, as pages put it beside the field. */
export function inChinese(text: string): string {
	const known = recognize(KNOWN, text);
	if (known) return fill((chinese as Record<string, string>)[known.key], known.params, 'zh-CN');
	const [, field, rest] = /^([\w.[\]]+): (.+)$/s.exec(text) ?? [];
	return field ? `${field}: ${inChinese(rest)}` : text;
}
