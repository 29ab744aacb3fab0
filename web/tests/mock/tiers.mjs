// The mock's answers about ladders. It keeps nothing.
export function tierRoutes(fixture) {
	const of = (id) => fixture('loyalty-member-tiers')[id === fixture('loyalty-members')[1].member_id ? 'matched' : 'own'];
	return [
		['GET', /^\/loyalty\/tiers$/, () => fixture('loyalty-tiers')],
		['POST', /^\/loyalty\/tiers\/what-if$/, (_, __, body) => fixture('loyalty-what-if')[body.ladder.tiers.some((it) => it.key === 'bronze') ? 'first' : 'other']],
		['GET', /^\/loyalty\/benefits$/, () => fixture('loyalty-benefits')],
		['GET', /^\/loyalty\/members\/(\d+)\/tiers$/, ([id]) => of(id)],
		['PUT', /^\/loyalty\/members\/(\d+)\/tiers\/([\w-]+)\/match$/, () => fixture('loyalty-member-tiers').matched],
		['DELETE', /^\/loyalty\/members\/(\d+)\/tiers\/([\w-]+)\/match$/, () => fixture('loyalty-member-tiers').own],
		['GET', /^\/loyalty\/members\/(\d+)\/benefits$/, () => fixture('loyalty-member-benefits')]
	];
}
