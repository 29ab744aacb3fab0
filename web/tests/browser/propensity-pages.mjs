// Pages of propensities that the server has, and of the people behind a source of value.
export async function propensityPages(ask) {
	const scored = (await ask('/models/propensities')).rows.find((it) => it.figures);
	const source = (await ask('/models/value/groups?by=source')).rows[0];
	const form = async (p) => { await p.locator('#propensity').waitFor(); };
	const people = async (p) => { await p.locator('dialog a.row').first().waitFor(); };
	// A shop in which nobody made any says what they would tell.
	const list = [
		{ name: 'propensities', path: '/insights/propensities', text: scored ? 'is foretold of' : 'No propensities yet' },
		{ name: 'propensities-new', path: '/insights/propensities?new=1', act: form },
		...(source ? [{ name: 'value-group-people', path: `/insights/value?of=source&group=${encodeURIComponent(source.key)}`, act: people }] : [])
	];
	if (!scored) return list;
	const path = `/insights/propensities/${scored.key}`;
	return [
		...list,
		{ name: 'propensity', path, text: 'How sure is this' },
		{ name: 'propensity-people', path: `${path}?part=high`, act: people },
		{ name: 'propensity-settings', path, act: async (p) => { await p.getByRole('button', { name: 'Settings' }).click(); await form(p); } },
		{ name: 'propensity-versions', path: `/insights/models?model=${scored.fact}`, text: 'once its horizon has passed' }
	];
}
