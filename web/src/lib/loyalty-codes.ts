// Codes in lists: how they stand, and which can be taken back. Pure.
export type CodeOwner = 'offer' | 'pool';
/** `code` is the end of one; all of one that everybody may use as often as they like. */
export interface ListedCode { place: number; code: string; state: string; uses_left: number | null; member_id: string | null; member_name: string | null; valid_until: string | null; added_at: string }
export interface CodesVoided { voided: number; not_voided: { at: number; why: string }[] }

export const CODE_STATES = { offer: ['live', 'used', 'expired', 'void'], pool: ['free', 'live', 'used', 'expired', 'void'] } as const;
export type CodeState = (typeof CODE_STATES)['pool'][number];
export const CODE_TONES: Record<string, string> = { free: 'good', live: 'good', void: 'bad' };
export const MOST_VOIDED = 10_000;

/** What a member has out of a pool is taken back by calling off what they have it for; what is used up or void stays so. */
export const canVoid = (row: Pick<ListedCode, 'state' | 'member_id'>, owner: CodeOwner): boolean => row.state === 'free' || row.state === 'expired' || (row.state === 'live' && owner === 'offer' && row.member_id === null);

/** Where the codes of an owner lie in the API. */
export const codesAt = (owner: CodeOwner, key: string) => {
	const path = owner === 'offer' ? `/loyalty/offers/${encodeURIComponent(key)}/codes` : `/loyalty/vouchers/pools/${encodeURIComponent(key)}`;
	return { list: owner === 'offer' ? `${path}/list` : path, file: owner === 'offer' ? `${path}.csv` : `${path}/codes.csv`, void: `${path}/voided` };
};

/** Codes that were typed, one a line; each once. */
export const typed = (text: string): string[] => [...new Set(text.split(/\r?\n/).map((it) => it.trim()).filter(Boolean))];
