// The pages of follow-ups to walk.
export async function followUpPages(ask) {
	const rows = (await ask('/follow-ups?limit=1')).rows;
	const one = rows[0]?.id;
	const better = (await ask('/improvements')).rows[0]?.id;
	const list = [
		{ name: 'follow-ups-improvements', path: '/feedback/follow-ups?view=improvements', text: better ? 'What you change' : 'Here you will see' },
		{ name: 'follow-ups-propose', path: '/feedback/follow-ups?view=improvements&propose=late%20parcel', act: (p) => p.locator('dialog').waitFor() },
		{ name: 'follow-ups', path: '/feedback/follow-ups', text: one ? 'In progress' : 'Here you will see' },
		{ name: 'follow-ups-figures', path: '/feedback/follow-ups?view=figures' },
		{ name: 'follow-ups-rules', path: '/feedback/follow-ups?view=rules', text: 'Tried in this order' },
		{ name: 'follow-ups-rule', path: '/feedback/follow-ups?view=rules&edit=urgent_text', act: (p) => p.locator('dialog').waitFor() },
		{ name: 'follow-ups-rule-new', path: '/feedback/follow-ups?view=rules', act: async (p) => { await p.getByRole('button', { name: 'New rule' }).click(); await p.locator('dialog').waitFor(); } }
	];
	if (better) list.push({ name: 'follow-ups-improvement', path: `/feedback/follow-ups?view=improvements&improvement=${better}`, act: (p) => p.locator('dialog').getByText('Before and after').waitFor() });
	if (one) {
		list.push({ name: 'follow-ups-list', path: '/feedback/follow-ups?view=list' });
		list.push({ name: 'follow-ups-late', path: '/feedback/follow-ups?late=1' });
		list.push({ name: 'follow-up', path: `/feedback/follow-ups?open=${one}`, act: (p) => p.locator('dialog').getByText('What was done').first().waitFor() });
		list.push({ name: 'follow-up-spoken', path: `/feedback/follow-ups?open=${one}`, act: async (p) => { const button = p.locator('dialog').getByRole('button', { name: 'I spoke with them' }); await p.locator('dialog').getByText('What was done').first().waitFor(); if (await button.count()) { await button.click(); await p.locator('dialog textarea').waitFor(); } } });
	}
	return list;
}
