// Audiences, as the server tells them.
export const PLATFORMS = ['google', 'meta', 'tiktok', 'linkedin', 'pinterest'] as const;
export type Platform = (typeof PLATFORMS)[number];
/** Those whose lists can be kept by their own interface. */
export const WITH_INTERFACE: Platform[] = ['meta', 'linkedin'];

export interface Audience {
	key: string;
	name: string;
	platform: Platform;
	segment: string;
	way: 'file' | 'interface';
	list: string;
	has_token: boolean;
	refresh_hours: number;
	state: 'live' | 'emptied' | 'deleting';
	counts: { members?: number; people?: number; rows?: number; absent?: Record<string, number> };
	refreshed_at: string | null;
	next_at: string | null;
	on: number;
	adding: number;
	removing: number;
	error: string | null;
	retry_at: string | null;
}
export interface AudienceBody {
	name: string;
	platform: Platform;
	segment: string;
	way: Audience['way'];
	list: string;
	token?: string;
	refresh_hours: number;
}
