// The pages of slots to walk.
export async function slotPages(ask, person) {
	const rows = (await ask('/slots')).rows;
	const best = [...rows].sort((a, b) => b.views - a.views)[0]?.key;
	const list = [
		{ name: 'slots', path: '/engage/slots', text: rows[0]?.name ?? 'Here you will see' },
		{ name: 'slots-none', path: '/engage/slots?search=nothing-is-called-this', text: rows.length ? 'No slot fits' : 'Here you will see' },
		{ name: 'slots-new', path: '/engage/slots/new', text: 'Who sees what' },
		{ name: 'slot-unknown', path: '/engage/slots/there-is-none', expects: '404' }
	];
	if (best) {
		list.push({ name: 'slot-page', path: `/engage/slots/${best}`, text: 'Of somebody who is not signed in' });
		if (person) list.push({ name: 'slot-person', path: `/engage/slots/${best}?person=${person}`, text: 'What would be shown' });
	}
	const quiet = rows.find((row) => row.views === 0)?.key;
	if (quiet) list.push({ name: 'slot-quiet', path: `/engage/slots/${quiet}`, text: 'Put the snippet below' });
	return list;
}
