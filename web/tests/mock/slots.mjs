// The mock's answers about slots. Every customer is in the first segment of a slot; of somebody unknown nothing is known.
export function slotRoutes(fixture, problem) {
	const find = (key) => fixture('slots-pages').find((page) => page.slot.key === key) ?? problem(404, 'not_found', 'Not Found', 'There is no such slot in this workspace.', 'Check the address; the list has what there is.');
	const kept = (key, change) => { const page = find(key); return page.status ? page : { ...page, slot: { ...page.slot, ...change } }; };
	function save([key], _, body) {
		const known = find(key);
		if (known.status) return { slot: { ...fixture('slots-pages')[1].slot, key, name: body.name, definition: body.definition, views: 0, chosen: 0, clicks: 0 }, variants: [], days: [], versions: [] };
		if (body.based_on === 0) return problem(409, 'slot_exists', 'Conflict', 'There is a slot with this key already.', 'Choose another key, or change that one.');
		return { ...known, slot: { ...known.slot, name: body.name, definition: body.definition, version: known.slot.version + 1 } };
	}
	function preview(_, __, { definition, person_id }) {
		const { variants } = definition;
		const usual = variants.findIndex((it) => it.segment === undefined);
		const fits = person_id && variants[0]?.segment ? 0 : null;
		const variant = fits ?? (usual < 0 ? null : usual);
		const show = variant === null ? 'nothing' : variants[variant].show;
		const contents = fixture('slots-contents');
		const content = show === 'nothing' ? null : 'template' in show ? contents.template : { ...contents.products, products: contents.products.products.slice(0, show.products.limit) };
		return { variant, reason: fits === null ? (person_id ? 'no_member' : 'not_known') : 'chosen', fits, is_member: variants.map((it, at) => (person_id && it.segment ? at === 0 : null)), content, lacks: null };
	}
	return [
		['GET', /^\/slots$/, (_, query) => ({ rows: query.get('archived') ? [] : fixture('slots-pages').map((page) => page.slot) })],
		['GET', /^\/slots\/([\w-]+)$/, ([key]) => find(key)],
		['PUT', /^\/slots\/([\w-]+)$/, save],
		['PUT', /^\/slots\/([\w-]+)\/archived$/, ([key], _, body) => kept(key, { archived_at: body.archived ? '2026-11-21T20:00:00Z' : null })],
		['GET', /^\/slots\/([\w-]+)\/effect$/, ([key]) => (key === 'hero' ? fixture('slots-effect') : { days: 14, holdout: null })],
		['POST', /^\/slot-preview$/, preview]
	];
}
