// 会员在收银台用积分支付的部分。
import type { payments as words } from '../en/loyalty-payments';
export const payments: Record<keyof typeof words, string> = {
	'payments.view': '收银台付款',
	'payments.title': '在收银台用积分支付的部分',
	'payments.none': '尚未用积分支付过小票。',
	'payments.none.state': '没有处于该状态的付款。',
	'payments.state': '状态',
	'payments.state.all': '全部',
	'payments.state.open': '小票尚未上报',
	'payments.state.told': '已支付',
	'payments.state.returned': '已退回',
	'payments.state.cancelled': '已取消',
	'payments.state.lapsed': '小票未上报',
	'payments.state.refused': '被拒绝',
	'payments.refused': '未支付',
	'payments.of': '{total} 中的 {money}',
	'payments.back': '已退回 {points}（{money}）',
	'payments.receipt': '{store}，小票 {receipt}',
	'payments.by': '由 {who}',
	'payments.due': '若小票届时仍未上报，{date} 退回',
	'payments.cancelled': '积分已于 {date} 退回',
	'payments.cancelled_by': '由 {who} 于 {date} 取消',
	'loyalty.outcome.till_pay_above_most': '超出小票可用积分支付的部分',
	'loyalty.outcome.till_pay_receipt_told': '小票已上报'
};
