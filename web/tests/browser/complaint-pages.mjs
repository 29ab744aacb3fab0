// The pages of complaints to walk.
export async function complaintPages(ask) {
	const one = (await ask('/complaints?limit=1')).rows[0]?.id;
	const list = [
		{ name: 'complaints', path: '/feedback/complaints', text: one ? 'Of competitors' : 'Here you will see' },
		{ name: 'complaints-new', path: '/feedback/complaints?new=1', act: (p) => p.locator('dialog').waitFor() }
	];
	list.push({ name: 'complaints-settings', path: '/feedback/complaints/settings', text: 'Working hours' });
	if (one) {
		list.push({ name: 'complaints-mentions', path: '/feedback/complaints?view=mentions' });
		list.push({ name: 'complaints-none', path: '/feedback/complaints?view=over&channel=letter&severity=critical' });
		list.push({ name: 'complaints-figures', path: '/feedback/complaints?view=figures' });
		list.push({ name: 'complaint', path: `/feedback/complaints?open=${one}`, act: (p) => p.locator('dialog').getByText('What was done').first().waitFor() });
	}
	return list;
}
