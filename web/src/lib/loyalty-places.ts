// The pages of Loyalty, those that belong together beneath one tab. Pure.
import type { places } from './i18n/en/loyalty-places';

export interface Place { href: string; name: keyof typeof places }
export interface PlaceGroup { name: keyof typeof places; places: Place[] }

export const PLACES: PlaceGroup[] = [
	{ name: 'loyalty.at.overview', places: [{ href: '/loyalty', name: 'loyalty.at.overview' }] },
	{
		name: 'loyalty.at.people',
		places: [
			{ href: '/loyalty/members', name: 'loyalty.at.members' },
			{ href: '/loyalty/changes', name: 'loyalty.at.changes' },
			{ href: '/loyalty/bulks', name: 'loyalty.at.bulks' },
			{ href: '/loyalty/histories', name: 'loyalty.at.histories' }
		]
	},
	{
		name: 'loyalty.at.earn',
		places: [
			{ href: '/loyalty/rules', name: 'loyalty.at.rules' },
			{ href: '/loyalty/challenges', name: 'loyalty.at.challenges' },
			{ href: '/loyalty/badges', name: 'loyalty.at.badges' },
			{ href: '/loyalty/leaderboards', name: 'loyalty.at.leaderboards' },
			{ href: '/loyalty/referrals', name: 'loyalty.at.referrals' },
			{ href: '/loyalty/referrals/review', name: 'loyalty.at.review' },
			{ href: '/loyalty/simulator', name: 'loyalty.at.simulator' },
			{ href: '/loyalty/effect', name: 'loyalty.at.effect' }
		]
	},
	{
		name: 'loyalty.at.spend',
		places: [
			{ href: '/loyalty/offers', name: 'loyalty.at.offers' },
			{ href: '/loyalty/rewards', name: 'loyalty.at.rewards' },
			{ href: '/loyalty/gift-cards', name: 'loyalty.at.gift_cards' }
		]
	},
	{ name: 'loyalty.at.tiers', places: [{ href: '/loyalty/tiers', name: 'loyalty.at.tiers' }] },
	{ name: 'loyalty.at.set_up', places: [{ href: '/loyalty/program', name: 'loyalty.at.program' }, { href: '/loyalty/laws', name: 'loyalty.at.laws' }] },
	{ name: 'loyalty.at.money', places: [{ href: '/loyalty/liability', name: 'loyalty.at.money' }, { href: '/loyalty/partners', name: 'loyalty.at.partners' }] }
];

/** The page that an address belongs to: the longest that it begins with, so that a part of a room is found before the room. */
export function placeAt(path: string): Place | undefined {
	const fits = ({ href }: Place) => path === href || (href !== '/loyalty' && path.startsWith(`${href}/`));
	return PLACES.flatMap((group) => group.places)
		.filter(fits)
		.sort((a, b) => b.href.length - a.href.length)[0];
}
