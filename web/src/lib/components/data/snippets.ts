// The first event, in the words of each client. The HTTP contract is Segment's, so their libraries only need another host.

export type SnippetKind = 'curl' | 'node' | 'python' | 'browser';

export const snippets: Record<SnippetKind, (host: string, key: string) => string> = {
	curl: (host, key) => `curl -u '${key}:' ${host}/v1/track \\
  -H 'content-type: application/json' \\
  -d '{
    "userId": "10482",
    "event": "Order Completed",
    "properties": { "order_id": "30117", "revenue": 92.40, "currency": "EUR" }
  }'`,
	node: (host, key) => `import { Analytics } from '@segment/analytics-node';

const analytics = new Analytics({ writeKey: '${key}', host: '${host}' });

analytics.track({
  userId: '10482',
  event: 'Order Completed',
  properties: { order_id: '30117', revenue: 92.4, currency: 'EUR' }
});`,
	python: (host, key) => `import segment.analytics as analytics

analytics.write_key = "${key}"
analytics.host = "${host}"

analytics.track("10482", "Order Completed", {
    "order_id": "30117", "revenue": 92.40, "currency": "EUR"
})
analytics.flush()`,
	browser: (host, key) => `import { AnalyticsBrowser } from '@segment/analytics-next';

const analytics = AnalyticsBrowser.load(
  { writeKey: '${key}', cdnURL: '${host}' },
  { integrations: { 'Segment.io': { apiHost: '${host.replace(/^https?:\/\//, '')}/v1', protocol: '${host.startsWith('https') ? 'https' : 'http'}' } } }
);

analytics.track('Product Viewed', { product_id: 'A-204', price: 39 });`
};
