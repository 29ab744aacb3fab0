// Engage: groups of experiments that never meet.
import type { groups as english } from '../en/groups';

export const groups: Record<keyof typeof english, string> = {
	'group.title': '互斥实验组',
	'group.sub': '同一组中的实验互不相遇：每个实验在 10,000 个位置中拥有自己的位置，没有人同时在两个实验中',
	'group.link': '互斥组',
	'group.new': '新建组',
	'group.new.sub': '用于会相互干扰的实验，例如同一页面上的两个实验',
	'group.make': '创建组',
	'group.made': '组已创建。可在实验中选择它。',
	'group.name': '名称',
	'group.name_hint': '结账',
	'group.empty': '这里将显示哪些实验互不相遇',
	'group.empty.text': '当两个实验改动同一页面时，同时看到两者的人无法说明任何一个的效果。创建一个组，并为每个实验分配位置。',
	'group.free': '空闲',
	'group.places': '位置 {from} 至 {to}',
	'group.bar': '{name}：{parts}',
	'group.say': '{n} 个实验占有位置；全部人员的 {free} 可用于其他实验。',
	'group.say_full': '{n} 个实验占有全部位置：其他实验须等其中一个结束。',
	'group.say_empty': '还没有实验占有位置，所有人都可用。',
	'group.use': '在此新建实验'
};
