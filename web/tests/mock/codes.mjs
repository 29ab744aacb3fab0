// The mock's answers about lists of codes. It keeps nothing.
export function codeRoutes(fixture, page) {
	const rows = (owner, query) => fixture('loyalty-code-lists')[owner].filter((it) => !query.get('state') || it.state === query.get('state'));
	const voided = (owner, { places = [], codes = [], all }) => {
		const list = fixture('loyalty-code-lists')[owner];
		if (all) return { voided: list.filter((it) => it.state === 'live' || it.state === 'free').length, not_voided: [] };
		const why = (row) => (!row ? 'code_unknown' : row.state === 'void' ? 'code_void' : row.state === 'used' ? 'code_used' : null);
		const asked = places.length ? places.map((place) => list.find((it) => it.place === place)) : codes.map((code) => list.find((it) => it.code === code));
		const not_voided = asked.flatMap((row, at) => (why(row) ? [{ at, why: why(row) }] : []));
		return { voided: asked.length - not_voided.length, not_voided };
	};
	return [
		['GET', /^\/loyalty\/offers\/[\w-]+\/codes\/list$/, (_, query) => page(rows('offer', query), query)],
		['GET', /^\/loyalty\/vouchers\/pools\/[\w-]+$/, (_, query) => page(rows('pool', query), query)],
		['GET', /^\/loyalty\/(?:offers\/[\w-]+\/codes|vouchers\/pools\/[\w-]+\/codes)\.csv$/, () => ({ csv: 'place,code,state\r\n1,SUMMER,live\r\n' })],
		['POST', /^\/loyalty\/offers\/[\w-]+\/codes\/voided$/, (_, __, body) => voided('offer', body)],
		['POST', /^\/loyalty\/vouchers\/pools\/[\w-]+\/voided$/, (_, __, body) => voided('pool', body)]
	];
}
