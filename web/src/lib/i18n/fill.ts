// Fills one message. Pure.
export type Params = Record<string, string | number>;

/** Numbers are written the reader's way; {n} chooses between two forms split by " || ". */
export function fill(message: string, params: Params, locale: string): string {
	let text = message;
	if (message.includes(' || ')) {
		const [one, other] = message.split(' || ');
		text = new Intl.PluralRules(locale).select(Number(params.n)) === 'one' ? one : other;
	}
	return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
		const value = params[name];
		if (value === undefined) return whole;
		return typeof value === 'number' ? new Intl.NumberFormat(locale).format(value) : value;
	});
}
