// 忠诚度各页面的名称：用于标签和页面搜索。
import type { places as english } from '../en/loyalty-places';

export const places: Record<keyof typeof english, string> = {
	'loyalty.at.overview': '概览',
	'loyalty.at.people': '会员',
	'loyalty.at.members': '会员',
	'loyalty.at.changes': '审批',
	'loyalty.at.bulks': '批量调整',
	'loyalty.at.histories': '历史导入',
	'loyalty.at.earn': '获得',
	'loyalty.at.rules': '规则',
	'loyalty.at.challenges': '挑战',
	'loyalty.at.badges': '徽章',
	'loyalty.at.leaderboards': '排行榜',
	'loyalty.at.referrals': '推荐',
	'loyalty.at.review': '欺诈审核',
	'loyalty.at.simulator': '模拟器',
	'loyalty.at.effect': '效果',
	'loyalty.at.spend': '优惠与奖励',
	'loyalty.at.offers': '优惠',
	'loyalty.at.rewards': '奖励',
	'loyalty.at.gift_cards': '礼品卡',
	'loyalty.at.tiers': '等级',
	'loyalty.at.set_up': '计划',
	'loyalty.at.program': '计划',
	'loyalty.at.laws': '失效法规',
	'loyalty.at.money': '账目',
	'loyalty.at.partners': '合作伙伴'
};
