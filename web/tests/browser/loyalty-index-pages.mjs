// Pages of the loyalty index. A shop in which too little is known has none, and says so.
export async function loyaltyIndexPages(ask) {
	const live = (await ask('/models/loyalty_index')).live;
	const path = '/insights/loyalty-index';
	if (!live) return [{ name: 'loyalty-index', path, text: 'Nobody has an index yet' }];
	const form = async (p) => {
		await p.getByRole('button', { name: 'Change what it is made of' }).click();
		await p.locator('dialog form').waitFor();
	};
	return [
		{ name: 'loyalty-index', path, text: 'How sure is this' },
		{ name: 'loyalty-index-form', path, act: async (p) => { await form(p); await p.locator('dialog [role=status]').getByText('The index would').waitFor(); } },
		{
			name: 'loyalty-index-measures', path,
			act: async (p) => {
				await form(p);
				await p.getByLabel('Choose the measures by what is known of enough people').uncheck();
				await p.locator('dialog .measures li').first().getByLabel('Weight').fill('3');
				await p.locator('dialog [role=status]').getByText('The index would').waitFor();
			}
		},
		{ name: 'loyalty-index-people', path: `${path}?part=loyal`, act: async (p) => { await p.locator('dialog h2').first().waitFor(); await p.locator('dialog').getByText('people').first().waitFor(); } },
		{ name: 'loyalty-index-card', path: `${path}?version=${live.version}`, act: async (p) => { await p.locator('dialog table').first().waitFor(); } }
	];
}
