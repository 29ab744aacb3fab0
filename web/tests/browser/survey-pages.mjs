// The pages of surveys to walk.
export async function surveyPages(ask) {
	const rows = (await ask('/surveys')).rows;
	const most = [...rows].sort((a, b) => b.completed - a.completed)[0];
	const draft = rows.find((row) => row.state === 'draft');
	const list = [
		{ name: 'surveys', path: '/feedback/surveys', text: rows[0]?.name ?? 'Here you will see how customers stand to you' },
		{ name: 'surveys-none', path: '/feedback/surveys?search=nothing-is-called-this', text: rows.length ? 'No survey fits' : 'Here you will see' },
		{ name: 'survey-new', path: '/feedback/surveys/new', text: 'Ready surveys' },
		{ name: 'survey-template', path: '/feedback/surveys/new?template=nps', act: (p) => p.locator('dialog').getByText('Source:').waitFor() },
		{ name: 'survey-unknown', path: '/feedback/surveys/there-is-none', expects: '404' }
	];
	if (draft) list.push({ name: 'survey-draft', path: `/feedback/surveys/${draft.key}`, text: 'Nobody can answer yet' }, { name: 'survey-draft-edit', path: `/feedback/surveys/${draft.key}/edit`, act: (p) => p.locator('.card').first().waitFor() }, { name: 'survey-draft-links', path: `/feedback/surveys/${draft.key}/links`, text: 'Here you will get the links' });
	if (most?.completed) {
		const at = `/feedback/surveys/${most.key}`;
		list.push({ name: 'survey-scores', path: `${at}?by=channel`, text: 'Over time' });
		list.push({ name: 'survey-scores-table', path: `${at}?by=channel&trend=table&weights=channel&interval=month`, text: 'Against the period before' });
		list.push({ name: 'survey-behind', path: at, act: async (p) => { await p.locator('button.part').first().click(); await p.locator('dialog').getByText('Answers behind this number').waitFor(); } });
		list.push({ name: 'survey-benchmark', path: `${at}?benchmark=new`, act: (p) => p.locator('dialog input').first().waitFor() });
		list.push({ name: 'survey-answers', path: `${at}/answers` });
		list.push({ name: 'survey-file', path: `${at}/answers?file=true`, act: async (p) => { await p.locator('dialog input[type=file]').setInputFiles({ name: 'answers.csv', mimeType: 'text/csv', buffer: Buffer.from('nps,Mail,Date,Words\n9,anna@example.com,2026-11-02,Fast\n11,bo@example.com,2026-11-03,Slow\n3,,2026-11-04,Late') }); await p.locator('dialog').getByText('What its columns are').waitFor(); } });
		list.push({ name: 'survey-links', path: `${at}/links`, act: (p) => p.locator('[data-link]').waitFor() });
		list.push({ name: 'survey-kiosk', path: `${at}/links?mode=widget`, act: (p) => p.locator('[data-link]').waitFor() });
		list.push({ name: 'survey-invitations', path: `${at}/invitations`, text: 'Whom it asks' }, { name: 'survey-invitations-none', path: `${at}/invitations?way=suppressed&reason=late` });
		list.push({ name: 'survey-response', path: `${at}/response` });
		list.push({ name: 'survey-edit', path: `${at}/edit`, act: (p) => p.locator('.card').first().waitFor() });
		const asked = (await ask(`/surveys/${most.key}`)).definition?.pages?.flatMap((it) => it.questions) ?? [];
		const shown = asked.find((it) => it.show_if)?.key ?? asked[0]?.key;
		if (shown) list.push({ name: 'survey-edit-question', path: `${at}/edit?at=${shown}&beside=true`, act: (p) => p.locator('.card.open').waitFor() });
		list.push({ name: 'survey-edit-ends', path: `${at}/edit?part=ends`, text: 'Quotas' });
		list.push({ name: 'survey-edit-asking', path: `${at}/edit?part=asking`, text: 'What it is about' });
		list.push({ name: 'survey-edit-preview', path: `${at}/edit?side=preview&view=phone&dark=true`, act: (p) => p.locator('iframe').waitFor() });
		list.push({ name: 'survey-versions', path: `${at}/edit?versions=true`, act: (p) => p.locator('dialog').waitFor() });
	}
	list.push({ name: 'survey-settings', path: '/feedback/surveys/settings', text: 'Whom not' });
	for (const [name, kinds, path, text] of [['survey-wishes', ['kano'], 'wishes', 'Each wish'], ['survey-drivers', ['scale', 'scale', 'scale'], 'drivers', 'What the score goes with'], ['survey-model', ['scale', 'scale', 'scale', 'scale'], 'model', 'Do groups use the scale alike?'], ['survey-model-people', ['scale', 'scale', 'scale', 'scale'], 'model?who=satisfaction:67:,loyalty::90', 'who answered'], ['survey-model-table', ['scale', 'scale', 'scale', 'scale'], 'model?paths=table&by=language&group=zh', 'Do groups use the scale alike?']]) {
		for (const row of rows.filter((it) => it.completed > 0)) {
			const asked = (await ask(`/surveys/${row.key}`)).definition.pages.flatMap((it) => it.questions).map((it) => it.answer.kind);
			if (kinds.every((kind, i) => asked.filter((it) => it === kind).length > i && asked.includes(kind))) {
				// A group is compared only where it is large enough for that.
				const isLarge = name !== 'survey-model-table' || (await ask(`/surveys/${row.key}/styles?by=language`)).groups.some((it) => it.key === 'zh' && it.people >= 30);
				list.push({ name, path: `/feedback/surveys/${row.key}/${isLarge ? path : path.replace('&group=zh', '')}`, text });
				break;
			}
		}
	}
	const leaving = rows.find((row) => row.kind === 'exit' && row.completed > 0);
	if (leaving) {
		const asked = (await ask(`/surveys/${leaving.key}`)).definition.pages.flatMap((it) => it.questions).find((it) => it.answer.kind === 'single');
		list.push({ name: 'survey-choices', path: `/feedback/surveys/${leaving.key}`, text: 'What was chosen' });
		if (asked) list.push({ name: 'survey-choice-over-time', path: `/feedback/surveys/${leaving.key}?by=channel&score=${encodeURIComponent(`${asked.key} ${asked.answer.choices[0].key} 0 1 up`)}`, text: 'Over time' });
	}
	const few = rows.find((row) => row.completed > 0 && row.completed < 30);
	if (few) list.push({ name: 'survey-few', path: `/feedback/surveys/${few.key}` });
	return list;
}
