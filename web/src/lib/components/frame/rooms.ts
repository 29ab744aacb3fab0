// The rooms of the console: only those that exist.
import type { IconName } from '$lib/icons';
import type { Key } from '$lib/i18n/index.svelte';

export interface Room {
	name: Key;
	href: string;
	icon: IconName;
}

export const rooms: Room[] = [
	{ name: 'room.home', href: '/', icon: 'house' },
	{ name: 'room.customers', href: '/customers', icon: 'users' },
	{ name: 'room.segments', href: '/segments', icon: 'chart-pie' },
	{ name: 'room.engage', href: '/engage', icon: 'send' },
	{ name: 'room.feedback', href: '/feedback', icon: 'message-square' },
	{ name: 'room.loyalty', href: '/loyalty', icon: 'gift' },
	{ name: 'room.insights', href: '/insights', icon: 'chart-column' },
	{ name: 'room.data', href: '/data', icon: 'database' },
	{ name: 'settings.privacy', href: '/privacy', icon: 'shield-check' },
	{ name: 'room.settings', href: '/settings', icon: 'settings' }
];

export const isHere = (room: Room, path: string): boolean => (room.href === '/' ? path === '/' : path === room.href || path.startsWith(`${room.href}/`));
