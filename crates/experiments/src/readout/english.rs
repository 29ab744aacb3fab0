//! The sentences of readouts in English, by code. Other languages have the same codes and places: the console's are `experiment.say.<code>`.

/// Each code with its sentence.
pub(super) const SENTENCES: &[(&str, &str)] = &[
    ("nobody", "Nobody was exposed yet, so nothing can be said."),
    (
        "ratio_broken",
        "People did not arrive in the variants as meant: {came} instead of {meant}. By chance this happens less than once in a thousand experiments, so no number here can be believed.",
    ),
    (
        "ratio_broken_do",
        "Look for what loses or adds people in one variant only: a redirect or a slow page before the exposure is noted, robots, an error, a condition that the variant itself can change. Repair it, then start a copy.",
    ),
    (
        "too_early",
        "It is too early: “{variant}” has {few} people, and below {least} in a variant nothing can be relied on.",
    ),
    (
        "not_yet",
        "It is to be read once, at {needed} people, and has {units}. Who stops earlier because of what is seen finds differences that are not there.",
    ),
    (
        "read_once",
        "The planned number of people is there ({units}): this is the one look that counts, and later ones do not.",
    ),
    (
        "peeking_allowed",
        "You may look at any time and end it when you like: what is said of {units} people holds at every look.",
    ),
    ("no_sums", "The main metric was not summed up, so nothing can be said about it."),
    (
        "win",
        "“{variant}” is better on {metric}: {estimate}, from {from} to {to}. The truth is between {low} and {high} (with {sure} certainty).",
    ),
    (
        "loss",
        "“{variant}” is worse on {metric}: {estimate}, from {from} to {to}. The truth is between {low} and {high} (with {sure} certainty).",
    ),
    (
        "no_difference",
        "If “{variant}” changes {metric} at all, then by less than {matters}: between {low} and {high} (with {sure} certainty). That was planned to be too little to matter.",
    ),
    (
        "unclear_of_many",
        "By itself “{variant}” looks different on {metric} (between {low} and {high}), but of several variants one looks so by chance: it cannot be said yet.",
    ),
    (
        "unclear",
        "It cannot be said whether “{variant}” changes {metric}: between {low} and {high} all fits what was seen. A difference larger than {largest} is ruled out, a smaller one is not; this is no proof that there is none.",
    ),
    ("undecidable", "Nothing can be said about {metric} of “{variant}”: {reason}."),
    (
        "guardrail_harmed",
        "“{variant}” harms {metric}, which must not get worse by more than {margin}: between {low} and {high}.",
    ),
    ("guardrail_safe", "{metric} of “{variant}” is not worse by more than {margin}: between {low} and {high}."),
    (
        "guardrail_unclear",
        "It cannot be said yet whether “{variant}” keeps {metric} within {margin}: between {low} and {high}.",
    ),
    (
        "secondary_better",
        "Of {many} further comparisons these are better: {found}. Of such calls at most {alpha} are chance.",
    ),
    (
        "secondary_worse",
        "Of {many} further comparisons these are worse: {found}. Of such calls at most {alpha} are chance.",
    ),
    (
        "segments_unclear",
        "In none of {many} comparisons within segments is there a clear difference. That is no proof that all segments are alike.",
    ),
    (
        "segments_clear",
        "Within segments it is clear for {found} (of {many} looked at; at most {alpha} of such calls are chance). Where it is not clear there may be a difference all the same.",
    ),
    (
        "enough",
        "{needed} people were to be enough to notice {matters} with {power} probability, and they are there: the effect is likely smaller than that, if there is one.",
    ),
    (
        "days_left",
        "To notice {matters} with {power} probability it needs {needed} people; at {rate} a day that is {days} more days.",
    ),
    (
        "few_exposures",
        "Too few people come past it. Let in more traffic, take away a variant, look for a larger effect, or choose a metric that happens more often.",
    ),
    (
        "rate_unknown",
        "To notice {matters} with {power} probability it needs {needed} people; how long that takes is known after the first day.",
    ),
    ("never", "From these numbers no number of people can be said that would notice {matters}."),
    (
        "short",
        "It has run for {days} whole days. People of other weekdays may behave differently: let it run for whole weeks.",
    ),
    ("noise_taken_out", "What was known of people before took {share} of the noise out of the main metric."),
    ("waiting", "{waiting} of those exposed are not counted yet, because their {hours} hours are not over."),
    (
        "mixed",
        "{people} people had more than one variant, because two histories turned out to be one person; they are left out.",
    ),
    (
        "earlier",
        "{people} people were exposed before the weights or variants were changed; they keep what they have, and are left out.",
    ),
    (
        "earlier_share",
        "{people} people were asked about before the share was changed, and not since; they are left out.",
    ),
    ("do_give", "Give everybody “{variant}”."),
    ("do_wait", "Before you give everybody “{variant}”, wait until it can be said what becomes of {found}."),
    ("do_close", "Take “{variant}” away, whatever else it brings."),
    ("do_keep", "Keep what people have without it."),
    ("do_choose", "Choose by other reasons, such as what is cheaper to keep; more people would not change this."),
    ("lower_is_better", "Of the main metric less is better."),
    (
        "brought_in_ratio_broken",
        "People did not arrive in the holdout as meant, so what was brought in cannot be said.",
    ),
    ("brought_in_undecidable", "What was brought in cannot be said: {reason}."),
    (
        "brought_in",
        "It brought in about {estimate} {metric} from {people} people, of {total} that they came to in all: between {low} and {high} (with {sure} certainty) would not be there without it.",
    ),
    (
        "brought_in_money",
        "It brought in about {estimate} of {metric} from {people} people, of {total} that they came to in all: between {low} and {high} (with {sure} certainty) would not be there without it.",
    ),
    ("cost", "It cost about {estimate} {metric}: between {low} and {high} (with {sure} certainty)."),
    ("cost_money", "It cost about {estimate} of {metric}: between {low} and {high} (with {sure} certainty)."),
    (
        "brought_in_unclear",
        "It cannot be said that it brought anything in: between {low} and {high} {metric} from {people} people all fits what was seen.",
    ),
    (
        "touches",
        "Touches say what people saw before they bought, not what made them buy: who buys anyway also sees messages. Only a holdout says what was brought in.",
    ),
];

/// How each of the things in a list is said, by the sentence's code.
pub(super) const ITEMS: &[(&str, &str)] = &[
    ("secondary_better", "{metric} of “{variant}” ({effect})"),
    ("secondary_worse", "{metric} of “{variant}” ({effect})"),
    ("segments_clear", "“{variant}” among {segment} ({effect})"),
    ("do_wait", "{metric}"),
];
