// The mock's answers about households. It keeps nothing.
export function householdRoutes(fixture, page, problem) {
	const home = () => fixture('loyalty-households');
	const shown = () => home().shown;
	const guide = 'Nothing was done; the guide Households says what each refusal means.';
	const [own, invited, tooOften] = [['5100000000000', '5100000007919'], '5100000015838', '5100000031676'];
	const invitation = (state, more = {}) => ({ ...shown().invitations[0], ...more, state, settled_at: state === 'open' ? null : '2026-11-21T21:00:00Z' });
	return [
		['GET', /^\/loyalty\/members\/(\d+)\/household$/, ([id]) => (own.includes(id) ? { household: shown(), invitations: [] } : { household: null, invitations: id === invited ? shown().invitations : [] })],
		['GET', /^\/loyalty\/households\/hsh_0\/uses$/, (_, query) => page(home().uses, query)],
		['GET', /^\/loyalty\/households\/hsh_0\/acts$/, (_, query) => page(home().acts, query)],
		['POST', /^\/loyalty\/households$/, (_, __, body) => ({ ...shown().household, id: body.id, name: body.name, head_member_id: body.member_id })],
		['POST', /^\/loyalty\/households\/hsh_0\/invitations$/, (_, __, body) => (body.member_id === tooOften ? problem(409, 'household_joined_too_often', 'The member joined households as often as they may this year.', '', guide) : invitation('open', { id: body.id, member_id: body.member_id }))],
		['POST', /^\/loyalty\/households\/invitations\/hsi_0\/accepted$/, () => shown()],
		['POST', /^\/loyalty\/households\/invitations\/hsi_0\/(declined|withdrawn)$/, ([state]) => invitation(state)],
		['POST', /^\/loyalty\/households\/hsh_0\/members\/(\d+)\/left$/, ([id]) => ({ ...shown(), members: shown().members.filter((it) => it.member_id !== id) })],
		['PUT', /^\/loyalty\/households\/hsh_0\/head$/, (_, __, body) => ({ ...shown(), household: { ...shown().household, head_member_id: body.member_id } })],
		['POST', /^\/loyalty\/households\/hsh_0\/closed$/, () => ({ ...shown(), household: { ...shown().household, ended_at: '2026-11-21T21:00:00Z' }, members: [], invitations: [] })]
	];
}
