// Reviews of products, as pages show them.
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Review = Schemas['Review'];
export type ReviewCount = Schemas['ReviewCount'];
export type ReviewedProduct = Schemas['ReviewedProduct'];
export type StarMean = Schemas['Stars'];

/** What becomes of a review; the queue first. */
export const REVIEW_STATES = ['waiting', 'shown', 'hidden', 'new'] as const;
export type ReviewState = (typeof REVIEW_STATES)[number];

export const stateOf = (review: Pick<Review, 'state'>): ReviewState => (REVIEW_STATES as readonly string[]).includes(review.state) ? (review.state as ReviewState) : 'new';

/** The share of each number of stars, five first. */
export function starShares(stars: readonly number[]): { stars: number; reviews: number; share: number }[] {
	const all = stars.reduce((sum, it) => sum + it, 0);
	return stars.map((reviews, i) => ({ stars: i + 1, reviews, share: all ? reviews / all : 0 })).reverse();
}

/** By how much those that wait or are hidden move the mean, where that is worth a word. */
export function moved(product: Pick<ReviewedProduct, 'all' | 'shown'>): number | null {
	if (!product.all || !product.shown) return null;
	const by = product.all.mean - product.shown.mean;
	return Math.abs(by) >= 0.05 ? by : null;
}
