// The pages of ideas to walk.
export async function ideaPages(ask) {
	const one = (await ask('/ideas')).rows[0]?.id;
	const list = [
		{ name: 'ideas', path: '/feedback/ideas', text: one ? 'votes' : 'Here you will see' },
		{ name: 'ideas-new', path: '/feedback/ideas?new=1', act: (p) => p.locator('dialog').waitFor() },
		{ name: 'ideas-box', path: '/feedback/ideas?box=1', act: (p) => p.locator('dialog').waitFor() }
	];
	if (one) list.push({ name: 'idea', path: `/feedback/ideas?idea=${one}`, act: (p) => p.locator('dialog h3').last().waitFor() });
	return list;
}
