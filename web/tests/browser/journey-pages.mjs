// The pages of journeys, campaigns and sending to walk.
export async function journeyPages(ask, person) {
	const rows = (await ask('/journeys')).rows;
	const of = (kind, test = () => true) => rows.find((row) => row.kind === kind && test(row))?.key;
	const live = of('journey', (row) => row.live_version > 0);
	const draft = of('journey', (row) => row.live_version === 0);
	const campaign = of('campaign', (row) => row.state === 'draft');
	const sent = of('campaign', (row) => row.sent > 0);
	const finished = of('campaign', (row) => row.state === 'finished');
	const list = [
		{ name: 'journeys', path: '/engage/journeys', text: rows.length ? 'In it now' : 'Here you will see' },
		{ name: 'journeys-none', path: '/engage/journeys?search=nothing-is-called-this' },
		{ name: 'journeys-new', path: '/engage/journeys/new', text: 'Abandoned cart' },
		{ name: 'journey-unknown', path: '/engage/journeys/there-is-none', expects: '404' },
		{ name: 'campaigns', path: '/engage/campaigns' },
		{ name: 'campaigns-new', path: '/engage/campaigns?new=1', act: (p) => p.locator('dialog').waitFor() },
	];
	if (live) {
		// The steps are of whoever made the journey, and a change that waits to be launched is not always there.
		const page = await ask(`/journeys/${live}`);
		const report = await ask(`/journeys/${live}/report`);
		const step = page.definition.nodes.find((node) => node.step.message)?.id ?? page.definition.nodes[0].id;
		const held = report.nodes.find((node) => node.node === step && node.waiting > 0) ?? report.nodes.find((node) => node.waiting > 0);
		const open = (p) => p.locator('.svelte-flow__node').first().waitFor();
		list.push({ name: 'journey-live-canvas', path: `/engage/journeys/${live}?view=canvas`, act: open });
		list.push({ name: 'journey-live-step', path: `/engage/journeys/${live}?view=canvas&step=${step}`, act: open });
		list.push({ name: 'journey-live-outline', path: `/engage/journeys/${live}?view=outline`, text: 'Who comes in' });
		list.push({ name: 'journey-live-report', path: `/engage/journeys/${live}?view=report`, text: 'What became of the messages' });
		if (held) list.push({ name: 'journey-live-people', path: `/engage/journeys/${live}?view=outline&step=${held.node}`, act: async (p) => { await p.getByRole('button', { name: /Who is here/ }).click(); await p.locator('dialog a.row').first().waitFor(); } });
		list.push({ name: 'journey-live-versions', path: `/engage/journeys/${live}?view=outline`, act: async (p) => { await p.getByRole('button', { name: 'More actions' }).click(); await p.getByRole('button', { name: 'Versions' }).click(); await p.locator('dialog').waitFor(); } });
		if (page.is_changed) list.push({ name: 'journey-live-launch', path: `/engage/journeys/${live}?view=outline`, act: async (p) => { await p.getByRole('button', { name: 'Launch changes' }).click(); await p.locator('dialog').waitFor(); } });
		if (page.is_changed) list.push({ name: 'journey-live-launch-people', path: `/engage/journeys/${live}?view=outline`, act: async (p) => { await p.getByRole('button', { name: 'Launch changes' }).click(); const line = p.locator('dialog .lines button').first(); await p.locator('dialog li', { hasText: /messages/ }).first().waitFor(); await p.waitForTimeout(500); if (await line.count()) { await line.click(); await p.locator('dialog a.row').first().waitFor(); } } });
		list.push({ name: 'journey-live-stop', path: `/engage/journeys/${live}?view=outline`, act: async (p) => { await p.getByRole('button', { name: 'More actions' }).click(); await p.getByRole('button', { name: 'Stop', exact: true }).click(); await p.locator('dialog').waitFor(); } });
		const dry = (p) => p.locator('.dry .cells, .dry .notes').first().waitFor();
		list.push({ name: 'journey-dry-day-canvas', path: `/engage/journeys/${live}?view=canvas&dry=yesterday`, act: async (p) => { await open(p); await dry(p); } });
		list.push({ name: 'journey-dry-day-step', path: `/engage/journeys/${live}?view=outline&dry=yesterday&step=${step}`, text: 'Dry run: at this step', act: dry });
		// Of a real shop nobody may have come in yesterday: then there are no numbers to open.
		list.push({ name: 'journey-dry-day-people', path: `/engage/journeys/${live}?view=outline&dry=yesterday`, act: async (p) => { await dry(p); const cell = p.locator('.dry button.cell').first(); if (await cell.count()) { await cell.click(); await p.locator('dialog summary').first().click(); await p.locator('dialog .steps li').first().waitFor(); } } });
		list.push({ name: 'journey-dry-day-begins', path: `/engage/journeys/${live}?view=outline`, act: async (p) => { await p.getByRole('button', { name: 'Try it out' }).click(); await p.getByRole('button', { name: /Play yesterday/ }).click(); await dry(p); if (!p.url().includes('dry=yesterday')) throw new Error('the dry run is not in the address'); } });
		list.push({ name: 'journey-live-dry', path: `/engage/journeys/${live}?view=outline`, act: async (p) => { await p.getByRole('button', { name: 'Try it out' }).click(); await p.locator('dialog li button').first().click(); await p.locator('dialog .steps li').first().waitFor(); } });
	}
	if (draft) {
		list.push({ name: 'journey-draft-canvas', path: `/engage/journeys/${draft}?view=canvas`, act: (p) => p.locator('.svelte-flow__node').first().waitFor() });
		const nodes = (await ask(`/journeys/${draft}`)).definition?.nodes ?? [];
		const branch = nodes.find((node) => node.step.branch), split = nodes.find((node) => node.step.split);
		if (branch) list.push({ name: 'journey-draft-outline', path: `/engage/journeys/${draft}?view=outline&step=${branch.id}`, text: 'Who goes this way' });
		if (split) list.push({ name: 'journey-draft-split', path: `/engage/journeys/${draft}?view=outline&step=${split.id}`, text: 'Shares in all' });
		list.push({ name: 'journey-draft-add', path: `/engage/journeys/${draft}?view=outline`, act: async (p) => { await p.getByRole('button', { name: /Add a step after/ }).first().click(); await p.locator('dialog').waitFor(); } });
	}
	if (campaign) list.push({ name: 'campaign-draft', path: `/engage/campaigns/${campaign}`, text: 'Who gets it' });
	if (finished) list.push({ name: 'campaign-finished', path: `/engage/campaigns/${finished}`, text: 'Go out again as a copy' });
	if (sent) list.push({ name: 'campaign-report', path: `/engage/campaigns/${sent}`, text: 'What became of the messages' });
	list.push({ name: 'j-audiences', path: '/engage/audiences', text: 'Audiences' });
	list.push({ name: 'j-audience-new', path: '/engage/audiences', act: async (p) => { await p.getByRole('button', { name: 'New audience' }).click(); await p.locator('dialog').waitFor(); } });
	list.push({ name: 'inbox', path: '/engage/inbox', text: (await ask('/inbox/figures')).rows.length ? 'By template' : 'Here you will see' });
	list.push({ name: 'j-sending', path: '/engage/sending', text: 'What to look at' });
	list.push({ name: 'j-sending-acts', path: '/engage/sending', text: 'What else could not be done' });
	list.push({ name: 'j-sending-pause', path: '/engage/sending?pause=1', act: (p) => p.locator('dialog').waitFor() });
	list.push({ name: 'j-sending-settings', path: '/engage/sending/settings', text: 'Quiet hours' });
	list.push({ name: 'j-calendar', path: '/engage/calendar' });
	list.push({ name: 'j-calendar-next', path: '/engage/calendar?month=2026-12' });
	if (person && rows.length) list.push({ name: 'j-customer-why', path: `/customers/${person}?journey=${rows[0].key}`, text: 'Messages and journeys' });
	return list;
}
