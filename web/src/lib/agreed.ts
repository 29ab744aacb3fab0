// What people agreed to, before words: which lines there are, which are worth showing, and who was not asked. All of it pure but for the words.
import type { components } from '$lib/api/schema';
import { t, term } from '$lib/i18n/index.svelte';
import { scopeName } from '$lib/privacy-words';
import { catalog } from '$lib/state/catalog.svelte';

type Schemas = components['schemas'];
export type ConsentScope = Omit<Schemas['ConsentScope'], 'channel' | 'topic'> & { channel: string | null; topic: string | null };
export type ConsentOverview = Omit<Schemas['ConsentOverview'], 'scopes'> & { scopes: ConsentScope[] };
export type StatementRow = Schemas['StatementRow'];
export type AuditEntry = Schemas['AuditEntry'];
export type AuditActor = Schemas['AuditActor'];

/** The channels that are shown although nobody was asked: those that are sent by. */
const USUAL = ['email', 'sms', 'push', 'in_app'];

export const idOf = ({ purpose, channel, topic }: Pick<ConsentScope, 'purpose' | 'channel' | 'topic'>): string => [purpose, channel ?? '', topic ?? ''].join('/');
const anybody = ({ now }: ConsentScope) => now.granted + now.denied + now.pending + now.expired > 0;

/** Whoever is in none of the counts was not asked, or never answered; an agreement that ended counts as not asked again. */
export const notAsked = ({ now }: ConsentScope, people: number): number => Math.max(0, people - now.granted - now.denied - now.pending);

/** Lines by what they are about: messages by channel, topics, everything else. Where nobody was asked a line says nothing. */
export function grouped(scopes: ConsentScope[]): { channels: ConsentScope[]; topics: ConsentScope[]; others: ConsentScope[] } {
	const marketing = scopes.filter((it) => it.purpose === 'marketing');
	return {
		channels: marketing.filter((it) => !it.topic && (anybody(it) || USUAL.includes(it.channel ?? ''))),
		topics: marketing.filter((it) => it.topic && anybody(it)),
		others: scopes.filter((it) => it.purpose !== 'marketing' && anybody(it))
	};
}

export const scopeWords = (scope: ConsentScope): string => [scopeName(scope), scope.topic ? catalog.topicName(scope.topic) : ''].filter(Boolean).join(' · ');

/** The kinds of things in the audit log that can be asked for. */
export const AUDIT_KINDS = ['changes', 'sign_ins', 'exports', 'rights', 'reads', 'all'] as const;

/** What an entry was about: the parts of its address that name something, without what every address begins with. */
export function objectOf(path: string): string {
	return path.replace(/^\/api\/v1\//, '').replace(/^\//, '');
}

/** Where the console shows what an entry was about, if it does. */
export function linkOf(path: string): string | undefined {
	const [room, key] = objectOf(path).split('/');
	if (!key) return undefined;
	const rooms: Record<string, string> = { customers: '/customers', segments: '/segments', journeys: '/engage/journeys', 'message-templates': '/engage/templates', slots: '/engage/slots', experiments: '/engage/experiments', policies: '/engage/policies', questions: '/insights', sources: '/data/sources', imports: '/data/imports' };
	const isKey = !['overlap', 'intersections', 'templates', 'check', 'ready', 'estimate', 'text'].includes(key) && !key.includes('.');
	return rooms[room] && isKey ? `${rooms[room]}/${encodeURIComponent(decodeURIComponent(key))}` : undefined;
}

const SPECIAL: [RegExp, string][] = [
	[/^POST \/sign-in$/, 'signed_in'],
	[/^GET \/sign-in\/link$/, 'signed_in_link'],
	[/^POST \/sign-out$/, 'signed_out'],
	[/^POST \/api\/v1\/customers\/\d+\/access$/, 'access'],
	[/^POST \/api\/v1\/customers\/\d+\/erasure$/, 'erased'],
	[/^PUT \/api\/v1\/customers\/\d+\/restriction$/, 'restricted'],
	[/^DELETE \/api\/v1\/customers\/\d+\/restriction$/, 'unrestricted'],
	[/^POST \/api\/v1\/customers\/\d+\/consents$/, 'consent'],
	[/^POST \/api\/v1\/privacy\/suppressions\/lift$/, 'taken_in'],
	[/^POST \/api\/v1\/journeys\/[^/]+\/launch$/, 'launched'],
	[/^POST \/api\/v1\/journeys\/[^/]+\/state$/, 'journey_state'],
	[/^POST \/api\/v1\/experiments\/[^/]+\/act$/, 'experiment_act'],
	[/^POST \/api\/v1\/messages\/replay$/, 'replayed'],
	[/^GET .*\.csv$/, 'exported'],
	[/^POST .*\/exports\/run$/, 'exported']
];
const NOUNS = ['segments', 'journeys', 'message-templates', 'slots', 'experiments', 'experiment-groups', 'policies', 'customers', 'users', 'api-keys', 'keys', 'sources', 'imports', 'questions', 'lists', 'webhooks', 'workspace', 'letterhead', 'sending', 'privacy', 'identity', 'messages', 'audit', 'consents'];
// What is asked with a POST and changes nothing.
const ASKED = /^POST \/api\/v1\/(conditions\/(estimate|read)|experiment-plan|journeys\/check|message-(check|links|preview)|questions\/(ask|people)|slot-preview|customers\/[^/]+\/message-preview|journeys\/[^/]+\/dry-run.*)$/;

/** What was done, as a sentence's beginning. */
export function whatWasDone({ method, path }: Pick<AuditEntry, 'method' | 'path'>): string {
	const action = `${method} ${path}`;
	const special = SPECIAL.find(([pattern]) => pattern.test(action))?.[1];
	if (special) return t(`audit.did.${special}` as 'audit.did.signed_in');
	const room = objectOf(path).split('/')[0];
	const noun = NOUNS.includes(room) ? term('audit.noun', room) : t('audit.noun.other');
	const verb = method === 'GET' || ASKED.test(action) ? 'looked' : method === 'DELETE' ? 'deleted' : 'changed';
	return t(`audit.did.${verb}`, { noun });
}

/** What became of it: nothing to say where it was done. */
export const outcomeOf = (status: number): '' | 'refused' | 'failed' => (status < 400 ? '' : status < 500 ? 'refused' : 'failed');
