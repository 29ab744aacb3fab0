// The mock's answers about laws of lapsing. It keeps nothing; what lapsed comes in two parts.
export function lawRoutes(fixture, problem) {
	return [
		['GET', /^\/loyalty\/jurisdictions$/, () => fixture('loyalty-jurisdictions')],
		['POST', /^\/loyalty\/jurisdictions\/([\w-]+)\/give-back$/, ([key], _, body) => (!fixture('loyalty-jurisdictions').rows.some((row) => row.key === key) ? problem(404, 'not_found', 'Not Found', 'There is no such jurisdiction in this workspace.', 'Check the address; the list has what there is.') : body.after ? { members: 12, rows: [], next: null } : fixture('loyalty-lapsed-points'))],
		['GET', /^\/loyalty\/members\/(\d+)\/notices$/, ([id]) => (id === '5100000000000' ? fixture('loyalty-member-notices') : { rows: [] })]
	];
}
