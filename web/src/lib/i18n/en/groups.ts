// Engage: groups of experiments that never meet.
export const groups = {
	'group.title': 'Experiment groups',
	'group.sub': 'Experiments in one group never meet: each has places of its own among 10,000, and nobody has two',
	'group.link': 'Groups',
	'group.new': 'New group',
	'group.new.sub': 'For experiments that would disturb each other, such as two on the same page',
	'group.make': 'Make group',
	'group.made': 'The group is there. Choose it in an experiment.',
	'group.name': 'Name',
	'group.name_hint': 'Checkout',
	'group.empty': 'Here you will see which experiments never meet',
	'group.empty.text': 'When two experiments change the same page, whoever sees both tells you nothing of either. Make a group and give each experiment its places.',
	'group.free': 'free',
	'group.places': 'places {from} to {to}',
	'group.bar': '{name}: {parts}',
	'group.say': '{n} experiment has places; {free} of all people are free for another. || {n} experiments have places; {free} of all people are free for another.',
	'group.say_full': '{n} experiment has all places: another one has to wait until it is over. || {n} experiments have all places: another one has to wait until one is over.',
	'group.say_empty': 'No experiment has places yet, so all people are free.',
	'group.use': 'New experiment here'
};
