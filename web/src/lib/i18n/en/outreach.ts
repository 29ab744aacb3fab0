// The words of templates, experiments, journeys, campaigns, audiences, slots, sending, consent and privacy: they come with the rooms that say them.
import { agreed } from './agreed';
import { audiences } from './audiences';
import { consents } from './consents';
import { engage } from './engage';
import { experiments } from './experiments';
import { groups } from './groups';
import { inbox } from './inbox';
import { journeys } from './journeys';
import { policies } from './policies';
import { privacy } from './privacy';
import { readouts } from './readouts';
import { sending } from './sending';
import { served } from './served';
import { slots } from './slots';

export const outreach = { ...agreed, ...audiences, ...consents, ...engage, ...experiments, ...groups, ...inbox, ...journeys, ...policies, ...privacy, ...readouts, ...sending, ...served, ...slots };
