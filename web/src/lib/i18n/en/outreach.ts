// The words of journeys, campaigns, audiences, slots, sending and privacy: they come with the rooms that say them.
import { agreed } from './agreed';
import { audiences } from './audiences';
import { groups } from './groups';
import { inbox } from './inbox';
import { journeys } from './journeys';
import { readouts } from './readouts';
import { sending } from './sending';
import { slots } from './slots';

export const outreach = { ...agreed, ...audiences, ...groups, ...inbox, ...journeys, ...readouts, ...sending, ...slots };
