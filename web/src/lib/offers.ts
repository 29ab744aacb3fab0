// What to offer whom: what the page needs of it. Pure: words come from the caller.
import type { components } from './api/schema';
import type { Key } from './i18n/index.svelte';

type Schemas = components['schemas'];
export type OfferModel = Schemas['RecommendationModel'];
export type OfferVersion = Schemas['RecommendationVersion'];
export type Trial = Schemas['TriedRecommendations'];
export type Product = Schemas['RecommendedProduct'];
export type Own = Schemas['OwnProduct'];

type Say = (key: Key, params?: Record<string, string | number>) => string;

/** What a product is called: its name, else its id. */
export const called = (product: { id: string; name?: string | null }): string => product.name || product.id;

/** Names of products by their ids, of all that an answer tells of. */
export function namesOf(trial: Trial): Map<string, string> {
	const told = [...trial.own, ...trial.ways.flatMap((way) => way.offers.products)];
	return new Map(told.map((it) => [it.id, called(it)]));
}

/** Why a product is offered to somebody, in the reader's words: their own product that speaks for it, and how they had to do with it. */
export function because(product: Product, own: Own[], names: Map<string, string>, say: Say): string {
	const of = product.because_of ?? '';
	const name = names.get(of) ?? of;
	if (product.is_filled && product.because === 'popular') return say('offers.because.filled');
	switch (product.because) {
		case 'popular':
			return say('offers.because.popular');
		case 'like': {
			const it = own.find((one) => one.id === of);
			return say(it?.bought_at ? 'offers.because.bought' : it ? 'offers.because.viewed' : 'offers.because.like', { name });
		}
		case 'bought_with':
			return say('offers.because.with', { name });
		case 'dearer':
			return say('offers.because.dearer', { name });
		default:
			return say('offers.because.fits');
	}
}

/** What may be put into the cart to try with: their own products. */
export const cart = (trial: Trial): Own[] => trial.own.slice(0, 30);
