// The pages of texts, themes and reviews to walk.
export async function textPages(ask) {
	const rows = (await ask('/texts?limit=1')).rows;
	const reviews = (await ask('/reviews?limit=1')).rows;
	const products = (await ask('/reviews/products')).rows;
	const text = rows[0]?.event_id;
	const list = [
		{ name: 'texts', path: '/feedback/texts?period=all', text: text ? 'Any feeling' : 'Here you will read' },
		{ name: 'texts-none', path: '/feedback/texts?words=nobody-wrote-this', text: 'No text fits' },
		{ name: 'texts-narrowed', path: '/feedback/texts?period=all&tone=negative&feeling=urgency' },
		{ name: 'texts-topic', path: '/feedback/texts?period=all&topic=delivery' },
		{ name: 'texts-quality', path: '/feedback/texts/quality', text: 'Good or bad' },
		{ name: 'themes', path: '/feedback/themes?period=365d', text: text ? 'All themes' : 'Here you will see' },
		{ name: 'topics', path: '/feedback/themes/topics', text: 'Delivery' },
		{ name: 'topics-new', path: '/feedback/themes/topics?new=1', act: (p) => p.locator('dialog').waitFor() },
		{ name: 'topics-edit', path: '/feedback/themes/topics?edit=delivery', act: (p) => p.locator('dialog').waitFor() },
		{ name: 'topics-merge', path: '/feedback/themes/topics?merge=delivery', act: async (p) => { await p.locator('dialog').getByLabel('Into').selectOption('service'); await p.getByText('This can be undone').waitFor(); } },
		{ name: 'topics-one', path: '/feedback/themes/topics?topic=delivery', act: (p) => p.locator('dialog').waitFor() },
		{ name: 'reviews', path: '/feedback/reviews', text: reviews.length ? 'By product' : 'Here you will see' }
	];
	if (text) list.push({ name: 'texts-one', path: `/feedback/texts?period=all&text=${text}`, text: 'Understood as', act: (p) => p.locator('blockquote').first().waitFor() });
	if (text && (await ask('/intents')).rows.length) list.push({ name: 'texts-wants', path: `/feedback/texts?period=all&text=${text}`, act: async (p) => { const wants = p.getByRole('region', { name: 'What it wants' }); await wants.getByRole('listitem').first().waitFor(); await wants.scrollIntoViewIfNeeded(); } });
	if ((await ask('/texts/themes')).rows?.length) {
		const open = (p) => p.locator('table button.name, button.news').first().click();
		list.push({ name: 'theme-texts', path: '/feedback/themes', act: async (p) => { await open(p); await p.locator('dialog a.row').first().waitFor(); } });
		list.push({ name: 'theme-people', path: '/feedback/themes?who=1', act: async (p) => { await open(p); await p.locator('dialog a.row').first().waitFor(); } });
	}
	if (reviews.length) {
		list.push({ name: 'reviews-all', path: '/feedback/reviews?view=all', act: (p) => p.locator('article').first().waitFor() });
		list.push({ name: 'reviews-none', path: '/feedback/reviews?view=hidden&stars=3' });
		list.push({ name: 'reviews-products', path: '/feedback/reviews?view=products', text: 'Lately' });
		list.push({ name: 'reviews-product', path: `/feedback/reviews?view=all&product=${encodeURIComponent(products[0].product_id)}`, act: (p) => p.locator('article').first().waitFor() });
		list.push({ name: 'reviews-hide', path: '/feedback/reviews?view=all', act: async (p) => { await p.getByRole('button', { name: 'Do not show it' }).first().click(); await p.locator('dialog').waitFor(); } });
		list.push({ name: 'reviews-answer', path: '/feedback/reviews?view=all', act: async (p) => { await p.getByRole('button', { name: 'Answer in public' }).first().click(); await p.locator('textarea').waitFor(); } });
	}
	return list;
}
