// The mock's answers about points that members send each other. It keeps nothing.
export function transferRoutes(fixture, page, problem) {
	const rows = () => fixture('loyalty-transfers');
	const find = (id) => rows().find((it) => it.transfer_id === id);
	const now = '2026-11-21T21:00:00Z';
	const guide = 'Nothing was done; the guide Transfers says what each refusal means.';
	const made = (body) => (body.points > 5_000 ? problem(409, 'transfer_out_limit', 'That is more than the member may send this year.', '', guide) : { ...rows()[1], id: body.id, member_id: body.member_id, to_member_id: body.to_member_id ?? null, is_gift: !body.to_member_id, points: body.points, arrived: body.to_member_id ? body.points : 0, state: body.to_member_id ? 'done' : 'open', reason: body.reason, code: body.to_member_id ? null : 'R7K2-M4PX-9QT3', made_at: now });
	return [
		['GET', /^\/loyalty\/members\/(\d+)\/transfers$/, ([id], query) => page(id === '5100000000000' ? rows() : [], query)],
		['POST', /^\/loyalty\/transfers$/, (_, __, body) => made(body)],
		['POST', /^\/loyalty\/transfers\/claim$/, (_, __, body) => (body.code.startsWith('R7K2') ? { ...rows()[4], state: 'claimed', to_member_id: body.member_id, arrived: 300 } : problem(404, 'gift_code_unknown', 'No gift has this code.', '', guide))],
		['POST', /^\/loyalty\/transfers\/([\w-]+)\/cancelled$/, ([id]) => ({ ...find(id), state: 'cancelled', settled_at: now })],
		['POST', /^\/loyalty\/transfers\/([\w-]+)\/reversed$/, ([id]) => { const row = find(id); return { ...row, state: 'reversed', returned: row.arrived, settled_at: now }; }]
	];
}
