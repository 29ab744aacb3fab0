// Engage: the inbox on the company's own site.
import type { inbox as english } from '../en/inbox';

export const inbox: Record<keyof typeof english, string> = {
	'inbox.title': '站内信',
	'inbox.sub': '人们现在在您网站和应用的站内信箱中看到的内容',
	'inbox.figure.messages': '当前在信箱中',
	'inbox.figure.seen': '已看',
	'inbox.figure.clicked': '已点击',
	'inbox.of_messages': '占全部的 {share}',
	'inbox.by_template': '按模板',
	'inbox.column.template': '模板',
	'inbox.column.messages': '在信箱中',
	'inbox.column.seen': '已看',
	'inbox.column.clicked': '已点击',
	'inbox.column.last': '最近',
	'inbox.latest': '信箱内容',
	'inbox.only': '仅 {name}',
	'inbox.all': '显示全部',
	'inbox.seen': '已看',
	'inbox.unseen': '尚未看',
	'inbox.clicked': '已点击',
	'inbox.say': '每条消息保留 {days} 天。您的页面告知后才算已看。',
	'inbox.empty': '这里将显示人们在您网站的站内信箱中看到的内容',
	'inbox.empty.text': '在旅程或活动中编写“站内”渠道的消息。您的页面展示 GET /v1/inbox 返回的内容。',
	'inbox.none': '现在没有信箱包含此模板的消息'
};
