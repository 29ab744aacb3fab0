// The pages of notes to walk.
export async function notePages(ask) {
	const one = (await ask('/notes')).rows[0]?.id;
	const list = [
		{ name: 'notes', path: '/feedback/notes', text: one ? 'Last written by' : 'Here you will see' },
		{ name: 'notes-new', path: '/feedback/notes?new=1', act: (p) => p.locator('dialog textarea').waitFor() },
		{ name: 'notes-quotes', path: '/feedback/notes?topic=packaging', act: (p) => p.locator('main ul li').first().waitFor() }
	];
	if (one) list.push({ name: 'note', path: `/feedback/notes?note=${one}`, act: (p) => p.locator('dialog textarea').first().waitFor() });
	return list;
}
