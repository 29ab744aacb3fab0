// The pages of policies to walk.
export async function policyPages(ask) {
	const rows = (await ask('/policies')).rows;
	const list = [
		{ name: 'policies', path: '/engage/policies', text: rows[0]?.name ?? 'Here you will see' },
		{ name: 'policies-none', path: '/engage/policies?search=nothing-is-called-this', text: rows.length ? 'No policy fits' : 'Here you will see' },
		{ name: 'policy-new', path: '/engage/policies/new', text: 'What counts' },
		{ name: 'policy-new-pace', path: '/engage/policies/new', act: async (p) => { await p.getByText('How often to write', { exact: true }).click(); await p.getByText('messages in').first().waitFor(); } },
		{ name: 'policy-unknown', path: '/engage/policies/there-is-none', expects: '404' }
	];
	const of = (name, kind, text) => {
		const key = rows.find(kind)?.key;
		if (key) list.push({ name, path: `/engage/policies/${key}`, text });
		return key;
	};
	const learnt = of('policy', (row) => row.kind === 'bandit' && row.learnt > 0, 'How sure is this');
	of('policy-pace', (row) => row.decides === 'frequency', 'What this cannot say');
	of('policy-effects', (row) => row.kind === 'uplift', 'Whom it moves');
	of('policy-paused', (row) => row.state === 'paused', 'What it decides for');
	if (learnt) {
		list.push({ name: 'policy-edit', path: `/engage/policies/${learnt}/edit`, text: 'begins anew' });
		list.push({ name: 'policy-fix', path: `/engage/policies/${learnt}`, act: async (p) => { await p.getByRole('button', { name: 'More' }).last().click(); await p.getByText('Set to one arm').click(); await p.locator('dialog').waitFor(); } });
	}
	return list;
}
