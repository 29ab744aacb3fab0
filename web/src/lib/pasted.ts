// What people paste: one on each line, or with commas, semicolons or tabs between, as they come out of a table. Pure.

/** Each once, in the order in which they came; quotes around one are taken off, and "Name <e-mail>" is the e-mail. */
export function pasted(text: string): string[] {
	const parts = text.split(/[\n\r,;\t]+/).map((part) => {
		const bare = part.trim().replace(/^["']+|["']+$/g, '').trim();
		return /<([^<>\s]+@[^<>\s]+)>$/.exec(bare)?.[1] ?? bare;
	});
	return [...new Set(parts.filter(Boolean))];
}
