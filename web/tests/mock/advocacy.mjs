// The mock's answers about who speaks for the company.
export function advocacyRoutes(fixture) {
	const kinds = (acts, kind) => (kind ? acts[kind] > 0 : true);
	const all = (_, query) => {
		const found = fixture('advocacy-all');
		const top = found.top.filter((row) => kinds(row.acts, query.get('kind')));
		return { ...found, top, has_more: !query.get('kind') && found.has_more };
	};
	return [
		['GET', /^\/advocacy$/, all],
		['GET', /^\/customers\/(\d+)\/advocacy$/, () => fixture('advocacy-customer')],
		['GET', /^\/surveys\/([\w-]+)\/brand$/, () => fixture('advocacy-brand')]
	];
}
