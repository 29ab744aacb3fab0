// The mock's answers about consent of all and the audit log, filtered as the server filters.
export function agreedRoutes(fixture, page) {
	const KINDS = { changes: (it) => it.method !== 'GET', reads: (it) => it.method === 'GET', sign_ins: (it) => it.path.startsWith('/sign-'), exports: (it) => /\.csv$|\/access$/.test(it.path), rights: (it) => /(access|erasure|restriction)$/.test(it.path) };
	const said = (_, query) => page(fixture('agreed-statements').filter((it) => ['state', 'channel', 'method', 'notice', 'purpose'].every((name) => !query.get(name) || it[name] === query.get(name))), query);
	function audit(_, query) {
		const kind = KINDS[query.get('kind')] ?? (() => true);
		const day = (it) => it.at.slice(0, 10);
		const fits = (it) => kind(it) && (!query.get('actor') || it.actor_id === query.get('actor')) && it.path.includes(query.get('object') ?? '') && day(it) >= (query.get('from') ?? '') && (!query.get('to') || day(it) <= query.get('to'));
		return page(fixture('agreed-entries').filter(fits), query);
	}
	return [
		['GET', /^\/consents$/, said],
		['GET', /^\/consents\/overview$/, () => fixture('agreed-overview')],
		['GET', /^\/audit$/, audit],
		['GET', /^\/audit\/actors$/, () => fixture('agreed-actors')],
		['GET', /^\/audit\.csv$/, () => ({ csv: 'at,actor_id,actor,purpose,method,path,status\r\n' })]
	];
}
