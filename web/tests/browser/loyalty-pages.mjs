// The pages of the room Loyalty.
/** The page as it is before there is a ladder. */
export async function withoutLadders(page) {
	const answer = async (route) => { const response = await route.fetch(); const body = await response.json(); await route.fulfill({ response, json: { ...body, program: { ...body.program, ladders: [] } } }); };
	await page.route('**/api/v1/loyalty/program', answer, { times: 1 });
	await page.reload();
	await page.getByText('If it had always been so', { exact: false }).waitFor();
}

/** What the club of a neighbour had, with a line that is wrong. */
const HISTORY = 'E-mail,Points,Earned,Ends\nann@example.com,120,2026-01-10,never\nann@example.com,-30,2026-02-20,\nbea@example.com,lots,2026-03-01,\ncarl@example.com,80,2026-03-02,2027-03-31\n';
export async function chooseHistory(page) {
	await page.getByLabel('Choose a CSV file').setInputFiles({ name: 'neighbours.csv', mimeType: 'text/csv', buffer: Buffer.from(HISTORY) });
	await page.getByLabel('The other programme, as a key').fill('old-club');
	await page.getByRole('table', { name: 'The first lines' }).waitFor();
}

export async function loyaltyPages(ask) {
	const program = await ask('/loyalty/program');
	if (!program.program) return [{ name: 'loyalty-begin', path: '/loyalty', text: 'Set up your programme', expects: '404' }];
	const list = [
		{ name: 'loyalty', path: '/loyalty', text: 'Where points come from' },
		{ name: 'loyalty-credit', path: `/loyalty?wallet=${program.program.wallets.at(-1).key}&period=90d`, text: 'When it lapses' },
		{ name: 'loyalty-liability', path: '/loyalty/liability', text: 'Would the estimate have been right?' },
		{ name: 'loyalty-liability-money', path: '/loyalty/liability?view=money', text: 'Earned: breakage' },
		{ name: 'loyalty-liability-young', path: `/loyalty/liability?wallet=${program.program.wallets.at(-1).key}`, text: 'What becomes of points' },
		{ name: 'loyalty-rules', path: '/loyalty/rules', text: 'All current' },
		{ name: 'loyalty-rule-new', path: '/loyalty/rules/new', text: 'Give the rule a name' },
		{ name: 'loyalty-program', path: '/loyalty/program', text: 'Groups of rules' },
		{ name: 'loyalty-members', path: '/loyalty/members', text: 'Who belongs to the programme' },
		{ name: 'loyalty-members-none', path: '/loyalty/members?search=nobody-is-called-this', text: 'No member fits' },
		{ name: 'loyalty-rule-unknown', path: '/loyalty/rules/there-is-none', text: 'There is no such rule' }
	];
	if (program.program.ladders?.length) {
		list.push({ name: 'loyalty-tiers', path: '/loyalty/tiers', text: 'This month' });
		list.push({ name: 'loyalty-tiers-edit', path: '/loyalty/tiers?edit=1', act: async (p) => { await p.getByRole('button', { name: 'What if' }).click(); await p.getByRole('table', { name: 'Members now and then' }).scrollIntoViewIfNeeded(); } });
		const benefit = program.program.ladders[0].benefits?.at(-1);
		if (benefit) list.push({ name: 'loyalty-tiers-benefit', path: `/loyalty/tiers?benefit=${benefit.key}`, act: async (p) => { await p.getByRole('button', { name: 'What would it cost' }).click(); await p.getByRole('table', { name: 'All benefits of the ladder' }).scrollIntoViewIfNeeded(); } });
		list.push({ name: 'loyalty-tiers-benefit-new', path: '/loyalty/tiers?add=1', text: 'A benefit needs a name' });
		list.push({ name: 'loyalty-tiers-benefit-unknown', path: '/loyalty/tiers?benefit=there-is-none', text: 'no such benefit' });
		list.push({ name: 'loyalty-tiers-none', path: '/loyalty/tiers', act: withoutLadders });
	} else list.push({ name: 'loyalty-tiers-none', path: '/loyalty/tiers', text: 'If it had always been so' });
	const offers = (await ask('/loyalty/offers')).rows ?? [];
	list.push({ name: 'loyalty-offers', path: '/loyalty/offers', text: offers.length ? 'Try it on a cart' : 'Here you will see what a cart gets, and why' });
	if (offers.length) list.push({ name: 'loyalty-offers-ways', path: '/loyalty/offers?ways=1', act: (p) => p.getByRole('table', { name: 'Ways of choosing, side by side' }).scrollIntoViewIfNeeded() });
	list.push({ name: 'loyalty-offer-new', path: '/loyalty/offers/new', text: 'Give the offer a name' });
	list.push({ name: 'loyalty-offer-unknown', path: '/loyalty/offers/there-is-none', text: 'There is no such offer' });
	for (const key of ['camping', 'summer', 'win-back']) if (offers.some((it) => it.key === key)) list.push({ name: `loyalty-offer-${key}`, path: `/loyalty/offers/${key}`, text: 'Versions' });
	const coded = offers.find((it) => it.key === 'summer' || it.offer.needs_code);
	if (coded) list.push({ name: 'loyalty-offer-codes', path: `/loyalty/offers/${coded.key}/codes`, text: 'Codes are shown by their ends' });
	const pool = ((await ask('/loyalty/vouchers/pools')).rows ?? [])[0];
	if (pool) list.push({ name: 'loyalty-pool-codes', path: `/loyalty/rewards/pools/${pool.pool}`, text: 'Codes are shown by their ends' });
	const rewards = (await ask('/loyalty/rewards')).rows ?? [];
	list.push({ name: 'loyalty-rewards', path: '/loyalty/rewards', text: rewards.length ? 'What waits to be paid or delivered' : 'Here you will see what members can have for their points' });
	list.push({ name: 'loyalty-reward-new', path: '/loyalty/rewards/new', text: 'Give the reward a name' });
	list.push({ name: 'loyalty-reward-gift-card', path: '/loyalty/rewards/new', act: async (p) => { await p.getByLabel('Kind').first().selectOption('gift_card'); await p.getByLabel('On the card', { exact: false }).waitFor(); } });
	list.push({ name: 'loyalty-reward-unknown', path: '/loyalty/rewards/there-is-none', text: 'There is no such reward' });
	for (const key of ['mug', 'cinema']) if (rewards.some((it) => it.key === key)) list.push({ name: `loyalty-reward-${key}`, path: `/loyalty/rewards/${key}`, text: 'As members see it' });
	list.push({ name: 'loyalty-reward-pool', path: '/loyalty/rewards', act: async (p) => { await p.getByRole('button', { name: 'Add codes' }).click(); await p.locator('dialog').waitFor(); } });
	const programs = (await ask('/loyalty/referrals/programs')).rows ?? [];
	list.push({ name: 'loyalty-referrals', path: '/loyalty/referrals', text: programs.length ? 'Friends, the newest first' : 'Here you will see which friends your members bring' });
	list.push({ name: 'loyalty-referrals-refused', path: '/loyalty/referrals?friends=refused&state=ended', text: programs.length ? 'Friends, the newest first' : 'Here you will see which friends your members bring' });
	list.push({ name: 'loyalty-referral-new', path: '/loyalty/referrals/programs/new', text: 'Give the programme a name' });
	list.push({ name: 'loyalty-referral-unknown', path: '/loyalty/referrals/programs/there-is-none', text: 'There is no such referral programme' });
	if (programs[0]) list.push({ name: 'loyalty-referral-program', path: `/loyalty/referrals/programs/${programs[0].key}`, text: 'Versions' });
	list.push({ name: 'loyalty-referrals-review', path: '/loyalty/referrals/review', text: 'Suspended members' });
	const suspicious = (await ask('/loyalty/referrals/review')).rows ?? [];
	if (suspicious.length) list.push({ name: 'loyalty-referrals-decide', path: '/loyalty/referrals/review', act: async (p) => { await p.getByRole('button', { name: 'Refuse' }).first().click(); await p.locator('dialog').waitFor(); } });
	const brought = (await ask('/loyalty/referrals')).rows ?? [];
	for (const [name, row] of [['loyalty-referrer', brought.find((it) => it.state === 'rewarded')], ['loyalty-referrer-suspended', suspicious[0]]]) if (row?.referrer.member_id) list.push({ name, path: `/loyalty/referrals/members/${row.referrer.member_id}`, text: 'Codes' });
	const challenges = (await ask('/loyalty/challenges?ended=true')).rows ?? [];
	list.push({ name: 'loyalty-challenges', path: '/loyalty/challenges', text: challenges.length ? 'What members can do for points and badges' : 'Here you will see what members do for points and badges' });
	list.push({ name: 'loyalty-challenge-new', path: '/loyalty/challenges/new', text: 'Give the challenge a name' });
	list.push({ name: 'loyalty-challenge-unknown', path: '/loyalty/challenges/there-is-none', text: 'There is no such challenge' });
	for (const key of ['walks', 'coffee', 'daily']) if (challenges.some((it) => it.key === key)) list.push({ name: `loyalty-challenge-${key}`, path: `/loyalty/challenges/${key}`, text: 'Who is on it' });
	const badges = (await ask('/loyalty/badges?ended=true')).rows ?? [];
	list.push({ name: 'loyalty-badges', path: '/loyalty/badges', text: badges.length ? 'What members can show for what they did' : 'Here you will see your badges' });
	list.push({ name: 'loyalty-badge-new', path: '/loyalty/badges/new', text: 'Give the badge a name' });
	list.push({ name: 'loyalty-badge-unknown', path: '/loyalty/badges/there-is-none', text: 'There is no such badge' });
	for (const key of ['founder', 'walker']) if (badges.some((it) => it.key === key)) list.push({ name: `loyalty-badge-${key}`, path: `/loyalty/badges/${key}`, text: 'Members who have it' });
	const boards = (await ask('/loyalty/leaderboards?ended=true')).rows ?? [];
	list.push({ name: 'loyalty-leaderboards', path: '/loyalty/leaderboards', text: boards.length ? 'Who did most' : 'Here you will see who did most this month' });
	list.push({ name: 'loyalty-leaderboard-new', path: '/loyalty/leaderboards/new', text: 'Give the leaderboard a name' });
	list.push({ name: 'loyalty-leaderboard-unknown', path: '/loyalty/leaderboards/there-is-none', text: 'There is no such leaderboard' });
	if (boards[0]) list.push({ name: 'loyalty-leaderboard', path: `/loyalty/leaderboards/${boards[0].key}`, text: 'Who is where' });
	const partners = (await ask('/loyalty/partners?ended=true')).rows ?? [];
	list.push({ name: 'loyalty-partners', path: '/loyalty/partners', text: partners.length ? 'All current' : 'Here you will see who owes whom' });
	list.push({ name: 'loyalty-partner-new', path: '/loyalty/partners/new', text: 'Give the partner a name' });
	list.push({ name: 'loyalty-partner-unknown', path: '/loyalty/partners/there-is-none', text: 'There is no such partner' });
	if (partners[0]) {
		const path = `/loyalty/partners/${partners[0].key}`;
		list.push({ name: 'loyalty-partner', path, text: 'Versions' });
		for (const { month, is_closed } of ((await ask(`${path}/months`)).rows ?? []).slice(0, 3)) list.push({ name: `loyalty-partner-${is_closed ? 'closed' : 'open'}-${month}`, path: `${path}/months/${month}`, text: 'Line by line' });
		const month = (await ask(`${path}/months`)).rows?.at(-1)?.month;
		if (month) list.push({ name: 'loyalty-partner-compare', path: `${path}/months/${month}`, act: async (p) => { await p.getByRole('textbox', { name: 'Their list' }).fill('reference,points\nAA-2026-0901,468\nAA-2026-0999,5\n'); await p.getByRole('button', { name: 'Compare', exact: true }).click(); await p.getByRole('table', { name: 'only in their list' }).first().scrollIntoViewIfNeeded(); } });
	}
	const cards = (await ask('/loyalty/gift-cards')).rows ?? [];
	list.push({ name: 'loyalty-gift-cards', path: '/loyalty/gift-cards', text: cards.length ? 'Still promised' : 'Here you will see gift cards' });
	list.push({ name: 'loyalty-gift-card-unknown', path: '/loyalty/gift-cards/gft_none', text: 'There is no such gift card', expects: '404' });
	if (cards[0]) list.push({ name: 'loyalty-gift-card', path: `/loyalty/gift-cards/${cards[0].gift_card_id}`, text: 'What was done with it' });
	if (cards[0]?.state === 'live') list.push({ name: 'loyalty-gift-card-adding', path: `/loyalty/gift-cards/${cards[0].gift_card_id}`, act: async (p) => { await p.getByRole('button', { name: 'Add value' }).click(); await p.locator('dialog').waitFor(); } });
	const laws = (await ask('/loyalty/jurisdictions')).rows ?? [];
	list.push({ name: 'loyalty-laws', path: '/loyalty/laws', text: laws.length ? 'What must be true before their points lapse' : 'No law is entered' });
	if (laws.length) list.push({ name: 'loyalty-laws-back', path: '/loyalty/laws', act: async (p) => { await p.getByRole('button', { name: 'Give back what lapsed' }).first().click(); await p.locator('dialog').waitFor(); } });
	const [noticed] = (await ask('/loyalty/members')).rows ?? [];
	if (noticed) list.push({ name: 'loyalty-member-notices', path: `/loyalty/members/${noticed.member_id}?view=notices`, text: 'Notices that points lapse' });
	if (program.program.households) {
		const shared = ((await ask('/loyalty/households')).rows ?? [])[0]?.head_member_id ?? noticed?.member_id;
		if (shared) list.push({ name: 'loyalty-member-household', path: `/loyalty/members/${shared}?view=household`, text: 'What staff did' });
		if (shared) list.push({ name: 'loyalty-member-household-closing', path: `/loyalty/members/${shared}?view=household`, act: async (p) => { await p.getByRole('main').getByRole('button', { name: 'Close the household' }).click(); await p.locator('dialog').waitFor(); } });
		if (shared) list.push({ name: 'loyalty-member-household-inviting', path: `/loyalty/members/${shared}?view=household`, act: async (p) => { await p.getByRole('button', { name: 'Invite', exact: true }).click(); await p.locator('dialog').waitFor(); } });
	}
	const changes = (await ask('/loyalty/changes?state=asked')).rows ?? [];
	list.push({ name: 'loyalty-changes', path: '/loyalty/changes', text: changes.length ? 'Waiting for a second person' : 'Nothing waits for approval' });
	if (changes.some((it) => !it.is_own)) list.push({ name: 'loyalty-changes-approve', path: '/loyalty/changes?state=refused', act: async (p) => { await p.getByRole('button', { name: 'Approve' }).first().click(); await p.locator('dialog').waitFor(); } });
	const bulks = (await ask('/loyalty/bulks')).rows ?? [];
	list.push({ name: 'loyalty-bulks', path: '/loyalty/bulks', text: bulks.length ? 'Undone' : 'Here you will see adjustments of many members' });
	list.push({ name: 'loyalty-bulks-new', path: '/loyalty/bulks/new', text: 'Look at what would come of it' });
	list.push({ name: 'loyalty-bulks-list', path: '/loyalty/bulks/new?whom=list', act: (p) => p.getByLabel('Member numbers, one', { exact: false }).fill('5100000000000, ann@example.com') });
	for (const state of ['draft', 'running', 'done', 'undone']) {
		const bulk = bulks.find((it) => it.state === state);
		if (bulk) list.push({ name: `loyalty-bulk-${state}`, path: `/loyalty/bulks/${bulk.bulk_id}`, text: 'Account by account' });
	}
	list.push({ name: 'loyalty-histories', path: '/loyalty/histories', text: 'Choose a CSV file' });
	list.push({ name: 'loyalty-histories-columns', path: '/loyalty/histories', act: chooseHistory });
	const simulations = (await ask('/loyalty/simulations')).rows ?? [];
	list.push({ name: 'loyalty-simulator', path: '/loyalty/simulator', text: simulations.length ? 'Tell again what people did' : 'Here you will see what other rules would have given' });
	list.push({ name: 'loyalty-simulator-new', path: '/loyalty/simulator/new?rules=camping:3,northern-lights:2,visit:on', text: 'Which rules to try' });
	for (const simulation of simulations.slice(0, 4)) list.push({ name: `loyalty-simulator-${simulation.state}${simulation.segment ? '-part' : ''}`, path: `/loyalty/simulator/${simulation.id}`, text: simulation.state === 'done' ? 'What it comes to' : simulation.state === 'running' ? 'It goes on when you leave this page' : undefined });
	const done = simulations.find((it) => it.state === 'done');
	if (done) list.push({ name: 'loyalty-simulator-people', path: `/loyalty/simulator/${done.id}`, act: async (p) => { const button = p.getByRole('button', { name: 'Who they are' }); if (await button.count()) { await button.click(); await p.locator('dialog').waitFor(); } } });
	list.push({ name: 'loyalty-effect', path: '/loyalty/effect', text: 'Loyal, or only there for the discount' });
	list.push({ name: 'loyalty-effect-margin', path: '/loyalty/effect?margin=35', text: 'Loyal, or only there for the discount' });
	list.push({ name: 'loyalty-effect-people', path: '/loyalty/effect?group=only_offers', text: 'Loyal, or only there for the discount' });
	const rules = (await ask('/loyalty/rules')).rows ?? [];
	for (const key of ['big-basket', 'northern-lights', 'survey']) if (rules.some((it) => it.key === key)) list.push({ name: `loyalty-rule-${key}`, path: `/loyalty/rules/${key}`, text: 'Versions' });
	list.push({ name: 'loyalty-rule-simulate', path: '/loyalty/rules/' + (rules[0]?.key ?? 'euro'), act: async (p) => { await p.getByRole('button', { name: 'Simulate on the past' }).click(); await p.locator('dialog').waitFor(); } });
	const members = (await ask('/loyalty/members')).rows ?? [];
	const member = members.find((it) => it.wallets.length > 0);
	if (members[1]) list.push({ name: 'loyalty-member-matched', path: `/loyalty/members/${members[1].member_id}`, text: 'Why this balance' });
	if (member) {
		const path = `/loyalty/members/${member.member_id}`;
		list.push({ name: 'loyalty-member', path, text: 'Why this balance' });
		if (program.program.ladders?.length) list.push({ name: 'loyalty-member-match', path, act: async (p) => { await p.getByRole('button', { name: 'Give a tier' }).click(); await p.locator('dialog').waitFor(); } });
		list.push({ name: 'loyalty-member-lot', path, act: (p) => p.locator('details summary').last().click() });
		list.push({ name: 'loyalty-member-operations', path: `${path}?view=operations`, text: 'Available after' });
		list.push({ name: 'loyalty-member-rewards', path: `${path}?view=rewards`, text: 'What they redeemed' });
		list.push({ name: 'loyalty-member-payments', path: `${path}?view=payments`, text: 'What they paid with points at tills' });
		list.push({ name: 'loyalty-member-transfers', path: `${path}?view=transfers`, text: 'What they sent and got' });
		if (program.program.transfers) list.push({ name: 'loyalty-member-send', path: `${path}?view=transfers`, act: async (p) => { await p.getByRole('button', { name: 'Send points' }).click(); await p.locator('dialog').waitFor(); } });
		list.push({ name: 'loyalty-member-challenges', path: `${path}?view=challenges`, act: (p) => p.getByRole('heading', { name: 'Badges' }).waitFor() });
		const surprising = rewards.some((it) => it.state === 'live' && it.reward.surprises);
		if (surprising) list.push({ name: 'loyalty-member-surprise', path: `${path}?view=rewards`, act: async (p) => { await p.getByRole('button', { name: 'Give a surprise' }).click(); await p.locator('dialog').waitFor(); } });
		list.push({ name: 'loyalty-member-awards', path: `${path}?view=awards`, text: 'By order' });
		if (program.program.staff?.goodwill?.length) list.push({ name: 'loyalty-member-goodwill', path, act: async (p) => { await p.getByRole('button', { name: 'Give goodwill' }).click(); await p.locator('dialog').waitFor(); } });
		list.push({ name: 'loyalty-member-adjust', path, act: async (p) => { await p.getByRole('button', { name: 'Adjust balance' }).click(); await p.locator('dialog').waitFor(); } });
	}
	return list;
}
