// The shapes on the wire, by the names the console uses. They are those of the server's OpenAPI document (schema.d.ts is generated
// from it); what is written out here says more than the document can: which detail belongs to which kind of answer, and that a
// question from the server is one the editor knows.
import type { Condition } from '$lib/conditions';
import type { Tree } from '$lib/condition-tree';
import type { Kind, Question } from '$lib/questions';
import type { components } from './schema';

type Schemas = components['schemas'];
/** The same shape with some members known better. */
type With<T, K> = Omit<T, keyof K> & K;
/** The server always writes these members, with null where there is nothing; the document can only say that they may be null. */
type Given<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };

export type Amount = Schemas['Amount'];
export interface List<T> {
	rows: T[];
	next: string | null;
	total?: number | null;
}
export type Role = Schemas['Role'];
export type Workspace = Schemas['Workspace'];
export type Me = With<Schemas['Me'], { user: With<Schemas['MeUser'], { role: Role }> }>;
export type DataHealth = Schemas['DataHealth'];

// Home
export type Unit = Schemas['Unit'];
export type Better = Schemas['Better'];
export type Figure = With<Schemas['KpiFigure'], { change: number | null }>;
export type Change = With<Schemas['Change'], { question?: Question | null }>;
export type NextStep = Schemas['NextStep'];
export type Cohort = Schemas['Cohort'];
export type Interval = Schemas['Trend']['interval'];
type Asked<T> = With<T, { question: Question }>;
export type Home = With<Schemas['Home'], { figures: Figure[]; subscriptions: Figure[]; changes: Change[]; revenue: Asked<Schemas['HomeRevenue']>; retention: Asked<Schemas['HomeRetention']> }>;

// Customers
export type Rfm = Schemas['RfmScores'];
export type CustomerRow = Given<Schemas['CustomerRow']>;
export type Trait = Schemas['Trait'];
export type Identifier = Schemas['IdentifierShape'];
export type Customer = With<Given<Schemas['Customer']>, { figures: Given<Schemas['CustomerFigures']> }>;
export type TimelineItem = Schemas['TimelineItem'];
export type EvidenceSide = Schemas['EvidenceEnd'];
export type Evidence = Schemas['EvidenceShape'];
export type Identity = Schemas['Identity'];
export type SearchRow = Schemas['Found'];

// Consent and privacy
export type Verdict = 'granted' | 'denied' | 'pending' | 'expired' | 'unknown';
export type Standing = With<Given<Schemas['StandingShape']>, { verdict: Verdict }>;
export type StatementState = 'granted' | 'pending' | 'denied' | 'withdrawn';
export type Statement = With<Given<Schemas['StatementShape']>, { state: StatementState }>;
export type Consents = With<Given<Schemas['Consents']>, { standings: Standing[]; statements: Statement[] }>;
export type ConsentBody = Schemas['ConsentBody'];
export type PreferenceLink = Schemas['PreferenceLink'];
export type TopicBody = Schemas['TopicBody'];
/** In the document the topic of a figure has the same name. */
export type Topic = Required<Omit<TopicBody, 'archived'>> & { key: string; created_at: string; archived_at: string | null };
export type Notice = Schemas['Notice'];
export type NoticeBody = Schemas['NoticeBody'];
export type RequestKind = 'access' | 'erasure' | 'restriction';
/** What an erasure tells of itself; the others have nothing to tell. */
export interface RequestReport {
	identifiers?: number;
	suppressed?: boolean;
	events?: number;
	/** Rows, by table. */
	tables?: Record<string, number>;
	/** Until when the intake log still has the events. */
	log_until?: string;
	/** Whether a mail asks the person to confirm that it was them. */
	mailed?: boolean;
	/** How they proved it, when they did it themselves. */
	proved_by?: string;
}
export type PrivacyRequest = With<Given<Schemas['PrivacyRequest']>, { kind: RequestKind; report: RequestReport }>;

// Segments; what is around them is in segments.ts
/** The document knows a condition as some object; here it is the tree that the builder edits. */
type Conditioned<T> = With<T, { condition: Tree }>;
export type Segment = Conditioned<With<Given<Schemas['Segment']>, { state: 'filling' | 'live' | 'failed' }>>;
export type Segments = With<Schemas['Segments'], { rows: Segment[] }>;
export type SegmentDay = Schemas['Day'];
export type SegmentVersion = Conditioned<Schemas['SegmentVersion']>;
export type SegmentPage = With<Schemas['SegmentPage'], { segment: Segment; versions: SegmentVersion[] }>;
export type SegmentBody = With<Schemas['SegmentBody'], { condition?: Tree }>;
export type Member = With<Schemas['Member'], { customer: CustomerRow }>;
export type Overlap = Schemas['Overlap'];
export type BothForms = Conditioned<Schemas['BothForms']>;
export type CustomerSegments = Schemas['CustomerSegments'];

// Catalog
export type EventName = Schemas['EventName'];
export type Property = Schemas['Property'];
/** The most frequent values of a property. */
export type PropertyValues = Schemas['PropertyValues'];

// Insights
export type Column = Schemas['Column'];
export type TrendSeries = Schemas['TrendLine'];
export type FunnelStep = Schemas['FunnelStep'];
export type RfmGroup = Given<Schemas['RfmGroup']>;
export type TrendDetail = Schemas['TrendDetail'];
export type FunnelDetail = Schemas['FunnelDetail'];
export type RetentionDetail = Schemas['RetentionDetail'];
export type RfmDetail = With<Schemas['RfmDetail'], { groups: RfmGroup[] }>;
type AnswerOf<K extends Kind, D> = With<Schemas['Answer'], { kind: K; detail: D }>;
export type Answer = AnswerOf<'trend', TrendDetail> | AnswerOf<'funnel', FunnelDetail> | AnswerOf<'retention', RetentionDetail> | AnswerOf<'rfm', RfmDetail>;

/** Which people stand behind a number, in the words of the answer. */
export type Part =
	| { series: number; breakdown?: string; start: string }
	/** The step counts from 1. */
	| { step: number; stage: 'reached' | 'dropped'; breakdown?: string }
	| { cohort: string; interval: number }
	| { group: string }
	| { r: number; f: number };

export type SavedQuestion = With<Schemas['SavedQuestion'], { question: Question }>;

// Data
export type Source = Schemas['Source'];
export type Reject = Schemas['Reject'];
export type LiveEvent = Schemas['LiveEvent'];
export type Live = Schemas['Live'];
export type Key = Schemas['WriteKey'] & Partial<Pick<Schemas['ApiKey'], 'name' | 'scopes'>>;
export type NewKey = Key & { key: string };
export type User = Schemas['User'];
export type { Condition, Question };
