// Ready conditions to begin with. Their names and descriptions, which state the thresholds, are in the words: template.<key>.
import type { Tree } from './condition-tree';

export const TEMPLATE_KEYS = [
	'one_time', 'occasional', 'frequent', 'high_value', 'lapsed', 'dormant', 'discount_only', 'abandoned', 'browsers', 'new_customers',
	'refunded', 'reachable', 'active_week', 'streak'
] as const;
export type TemplateKey = (typeof TEMPLATE_KEYS)[number];

const ORDER = 'Order Completed';
const year = { last: '365d' };
const month = { last: '30d' };
const never = { exactly: 0 };

export const TEMPLATES: Record<TemplateKey, Tree> = {
	one_time: { performed: { event: ORDER, times: { exactly: 1 } } },
	occasional: { performed: { event: ORDER, times: { between: [2, 3] }, within: year } },
	frequent: { performed: { event: ORDER, times: { at_least: 4 }, within: year } },
	high_value: { measured: { measure: 'sum', path: 'revenue', event: ORDER, within: year, op: 'at_least', value: 500 } },
	lapsed: { overdue: { event: ORDER, factor: 2, gaps: 3 } },
	dormant: { all: [{ performed: { event: ORDER } }, { performed: { event: ORDER, times: never, within: { last: '180d' } } }] },
	discount_only: {
		all: [
			{ performed: { event: ORDER, where: { property: { path: 'coupon', op: 'exists' } } } },
			{ performed: { event: ORDER, where: { property: { path: 'coupon', op: 'not_exists' } }, times: never } }
		]
	},
	abandoned: { sequence: { steps: [{ event: 'Checkout Started' }], without: { event: ORDER, within: '1h' }, within: { last: '7d' } } },
	browsers: { all: [{ performed: { event: 'Product Viewed', times: { at_least: 3 }, within: month } }, { performed: { event: ORDER, times: never } }] },
	new_customers: { performed: { event: ORDER, which: 'first', within: month } },
	refunded: { performed: { event: 'Order Refunded', within: year } },
	reachable: { fact: { key: 'consent.email', op: 'equals', value: 'granted' } },
	active_week: { measured: { measure: 'days', event: '*', within: { last: '7d' }, op: 'at_least', value: 3 } },
	streak: { streak: { event: ORDER, interval: 'week', at_least: 3 } }
};
