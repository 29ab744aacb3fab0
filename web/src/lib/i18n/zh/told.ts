// What the server says of events on timelines, in Chinese: as it says it in English, and the same.
export const told: [english: string, chinese: string][] = [
	['Order {number}', '订单 {number}'],
	['Order {number}, {amount}', '订单 {number}，{amount}'],
	['Order, {amount}', '订单，{amount}'],
	['1 item', '1 件商品'],
	['{n} items', '{n} 件商品'],
	['Money back', '退款'],
	['Money back, {amount}', '退款 {amount}'],
	['order {number}', '订单 {number}'],
	['Answered {score}', '评分 {score}'],
	['Rated {what}', '评价：{what}'],
	['Looked at {what}', '浏览了 {what}']
];
