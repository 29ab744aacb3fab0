// The way from a number of a survey to the answers behind it: a filter that stands in the address. Pure.
import { readJson } from './url';

export interface Behind {
	question?: string;
	part?: string;
	at_least?: number;
	at_most?: number;
	choice?: string;
	by?: string;
	/** Empty for those of whom it is not known. */
	group?: string;
	from?: string;
	to?: string;
	state?: string;
}
const TEXTS = ['question', 'part', 'choice', 'by', 'group', 'from', 'to', 'state'] as const;
const NUMBERS = ['at_least', 'at_most'] as const;

export const behindText = (behind: Behind): string => JSON.stringify(behind);

/** What an address says is never trusted: only fields that are known, of their type. */
export function readBehind(text: string | null): Behind | null {
	const found = readJson<Record<string, unknown>>(text);
	if (!found || typeof found !== 'object' || Array.isArray(found)) return null;
	const behind: Behind = {};
	for (const name of TEXTS) if (typeof found[name] === 'string') behind[name] = found[name];
	for (const name of NUMBERS) if (Number.isInteger(found[name])) behind[name] = found[name] as number;
	return behind;
}

/** As the server takes it. An empty group is asked for as it is: those of whom it is not known. */
export function behindQuery(behind: Behind): string {
	const params = new URLSearchParams();
	for (const [name, value] of Object.entries(behind)) params.set(name, String(value));
	return params.toString();
}
