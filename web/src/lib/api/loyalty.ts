// What the API says of the programme. What staff write is typed in lib/loyalty: the API's document only says that it is an object.
import type { components } from './schema';
import type { ProgramVersion as Saved, Unit } from '../loyalty';

type Schemas = components['schemas'];
export type Overview = Omit<Schemas['LoyaltyOverview'], 'wallets'> & { wallets: WalletOverview[] };
export type WalletOverview = Omit<Schemas['WalletOverview'], 'unit'> & { unit: Unit };
export type Lapsing = Schemas['Lapsing'];
export type RuleFigures = Schemas['RuleFigures'];
export type Member = Schemas['LoyaltyMember'];
export type WalletBalance = Schemas['WalletBalance'];
export type Operation = Schemas['PointsOperation'];
export type Award = Schemas['MemberAward'];
export type Why = Schemas['PointsWhy'];
export type LotStory = Schemas['PointsLotStory'];
export type Movement = Schemas['PointsMovement'];
export type Rating = Schemas['Rating'];
export type Occasion = Schemas['RatedOccasion'];
export type RatedLine = Schemas['RatedLine'];
export type ProgramVersion = Saved;
export type Redemption = Schemas['LoyaltyRedemption'];
export type LadderCounts = Schemas['LadderCounts'];
export type WhatIf = Schemas['WhatIf'];
export type MemberTier = Schemas['MemberTier'];
export type MemberBenefit = Schemas['MemberBenefit'];
export type BenefitTotal = Schemas['BenefitTotal'];
