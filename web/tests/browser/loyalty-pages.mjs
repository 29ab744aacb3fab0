// The pages of the room Loyalty.
export async function loyaltyPages(ask) {
	const program = await ask('/loyalty/program');
	if (!program.program) return [{ name: 'loyalty-begin', path: '/loyalty', text: 'Set up your programme', expects: '404' }];
	const list = [
		{ name: 'loyalty', path: '/loyalty', text: 'Where points come from' },
		{ name: 'loyalty-credit', path: `/loyalty?wallet=${program.program.wallets.at(-1).key}&period=90d`, text: 'When it lapses' },
		{ name: 'loyalty-rules', path: '/loyalty/rules', text: 'All current' },
		{ name: 'loyalty-rule-new', path: '/loyalty/rules/new', text: 'Give the rule a name' },
		{ name: 'loyalty-program', path: '/loyalty/program', text: 'Groups of rules' },
		{ name: 'loyalty-members', path: '/loyalty/members', text: 'Who belongs to the programme' },
		{ name: 'loyalty-members-none', path: '/loyalty/members?search=nobody-is-called-this', text: 'No member fits' },
		{ name: 'loyalty-rule-unknown', path: '/loyalty/rules/there-is-none', text: 'There is no such rule' }
	];
	const rules = (await ask('/loyalty/rules')).rows ?? [];
	for (const key of ['big-basket', 'northern-lights', 'survey']) if (rules.some((it) => it.key === key)) list.push({ name: `loyalty-rule-${key}`, path: `/loyalty/rules/${key}`, text: 'Versions' });
	const member = (await ask('/loyalty/members')).rows?.find((it) => it.wallets.length > 0);
	if (member) {
		const path = `/loyalty/members/${member.member_id}`;
		list.push({ name: 'loyalty-member', path, text: 'Why this balance' });
		list.push({ name: 'loyalty-member-lot', path, act: (p) => p.locator('details summary').nth(1).click() });
		list.push({ name: 'loyalty-member-operations', path: `${path}?view=operations`, text: 'Available after' });
		list.push({ name: 'loyalty-member-awards', path: `${path}?view=awards`, text: 'By order' });
		list.push({ name: 'loyalty-member-adjust', path, act: async (p) => { await p.getByRole('button', { name: 'Adjust balance' }).click(); await p.locator('dialog').waitFor(); } });
	}
	return list;
}
