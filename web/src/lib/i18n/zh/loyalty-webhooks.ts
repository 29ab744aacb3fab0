// Webhook 可通知的会员积分事件。
import type { loyaltyWebhooks as english } from '../en/loyalty-webhooks';

export const loyaltyWebhooks: Record<keyof typeof english, string> = {
	'webhook.event.points.earned': '赚取积分',
	'webhook.event.points.spent': '使用积分',
	'webhook.event.points.held': '预留积分',
	'webhook.event.points.captured': '扣取预留的积分',
	'webhook.event.points.released': '退回预留的积分',
	'webhook.event.points.returned': '预留超时,积分退回',
	'webhook.event.points.adjusted': '更正积分',
	'webhook.event.points.transferred': '转出积分',
	'webhook.event.points.received': '收到他人积分',
	'webhook.event.points.reversed': '撤销积分变动',
	'webhook.event.points.extended': '延长积分有效期',
	'webhook.event.points.forfeited': '清空积分账户',
	'webhook.event.points.merged': '两位会员的积分合并',
	'webhook.event.points.activated': '待生效积分可以使用',
	'webhook.event.points.expired': '积分已过期',
	'webhook.event.points.expiring': '积分即将过期',
	'webhook.event.member.enrolled': '有人成为会员',
	'webhook.event.member.changed': '会员被冻结、恢复或关闭',
	'webhook.event.member.merged': '两位会员合并',
	'webhook.event.offers.redeemed': '使用优惠',
	'webhook.event.offers.returned': '退回优惠',
	'webhook.event.reward.redeemed': '兑换奖励',
	'webhook.event.redemption.fulfilled': '奖励已交付',
	'webhook.event.redemption.cancelled': '兑换已取消',
	'webhook.event.voucher.used': '兑换码已使用',
	'webhook.event.tier.reached': '达到等级',
	'webhook.event.tier.lost': '失去等级',
	'webhook.event.tier.kept': '保持等级',
	'webhook.event.tier.progressed': '与下一等级的差距随时间改变'
};
