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
	if (draft) list.push({ name: 'survey-draft', path: `/feedback/surveys/${draft.key}`, text: 'Nobody can answer yet' });
	if (most?.completed) {
		list.push({ name: 'survey-scores', path: `/feedback/surveys/${most.key}`, text: 'Below each score' });
		list.push({ name: 'survey-response', path: `/feedback/surveys/${most.key}/response` });
		list.push({ name: 'survey-edit', path: `/feedback/surveys/${most.key}/edit` });
	}
	const few = rows.find((row) => row.completed > 0 && row.completed < 30);
	if (few) list.push({ name: 'survey-few', path: `/feedback/surveys/${few.key}` });
	return list;
}
