// What scenarios have in common: to open a page, to see what it sends, and to insist.
export const must = (truth, what) => {
	if (!truth) throw new Error(what);
};

export const open = async (page, context, path) => {
	await page.goto(context.base + path);
	await context.settled(page);
};

/** What the page sends to an address with this in it while something is done. */
export const sent = async (page, method, part, doing) => {
	const [request] = await Promise.all([page.waitForRequest((it) => it.method() === method && it.url().includes(part)), doing()]);
	return { url: request.url(), body: method === 'DELETE' ? null : request.postDataJSON() };
};
