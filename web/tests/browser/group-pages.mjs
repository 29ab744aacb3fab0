// Pages of groups and personas, of a group that the server has.
export async function groupPages(ask) {
	const live = (await ask('/models/groups')).live;
	// A shop in which nothing is more than chance has none, and says so.
	const list = [
		{ name: 'groups', path: '/insights/groups', text: live ? 'How sure is this' : 'No groups yet' },
		{ name: 'groups-settings', path: '/insights/groups', act: async (p) => { await p.getByRole('button', { name: 'Settings' }).click(); await p.locator('dialog form').waitFor(); } }
	];
	if (!live) return list;
	return [
		...list,
		{ name: 'groups-people', path: `/insights/groups?group=${live.groups[0].number}`, act: async (p) => { await p.locator('dialog a.row').first().waitFor(); } },
		{ name: 'groups-persona', path: '/insights/groups', act: async (p) => { await p.locator('article').first().getByRole('button', { name: /Change persona|Name it/ }).click(); await p.locator('dialog form').waitFor(); } },
		{ name: 'groups-card', path: `/insights/groups?version=${live.version}`, act: async (p) => { await p.locator('dialog table').first().waitFor(); } }
	];
}
