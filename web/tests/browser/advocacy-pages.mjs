// The pages of who speaks for the company, and of the way to a brand.
export async function advocacyPages(ask) {
	const found = await ask('/advocacy');
	const isSaid = found.kinds?.some((it) => it.acts > 0 || it.acts_before > 0);
	const list = [{ name: 'advocacy', path: '/feedback/advocacy', text: isSaid ? 'By kind' : 'Here you will see who speaks for you' }];
	if (isSaid) list.push({ name: 'advocacy-referrals', path: '/feedback/advocacy?period=365d&kind=referral', text: 'Advocates' });
	for (const row of (await ask('/surveys')).rows.filter((it) => it.completed > 0)) {
		const asked = (await ask(`/surveys/${row.key}`)).definition.pages.flatMap((it) => it.questions).map((it) => it.key);
		if (asked.includes('aided') && asked.includes('considered')) {
			list.push({ name: 'survey-brand', path: `/feedback/surveys/${row.key}`, text: 'The way to the brand' });
			break;
		}
	}
	return list;
}
