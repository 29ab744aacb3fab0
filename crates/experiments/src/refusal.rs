//! Why a design is refused, as a code with what it is filled with, so that each reader has it in their own language; and filled in English.
//!
//! Always holds: the English text is made of nothing but the code and its parameters. The console's words are `experiment.refuse.<code>`.

use std::collections::BTreeMap;

use crate::readout::filled;

/// Why something is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong: `one_control`.
    pub code: &'static str,
    /// What it is filled with, by name.
    pub params: BTreeMap<&'static str, String>,
    /// In English, without the field.
    pub text: String,
}

impl Refusal {
    /// Of a code that has an English text.
    pub(crate) fn new<const N: usize>(code: &'static str, params: [(&'static str, String); N]) -> Self {
        let params = BTreeMap::from(params);
        let template = REFUSALS.iter().find(|(known, _)| *known == code).map_or(code, |(_, template)| template);
        debug_assert_ne!(template, code, "a refusal without words");
        let text = filled(template, &|name| params.get(name).cloned());
        Self { code, params, text }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Each code with its text, which goes on after the field.
const REFUSALS: &[(&str, &str)] = &[
    ("key_form", "must be 1 to {most} small letters, digits, `-`, `_` or `.`"),
    ("text_length", "must have {least} to {most} bytes, and no NUL"),
    ("share_range", "must be 0 to 10000, in hundredths of a per cent"),
    ("group_order", "must be below `to`: places are 0 to 10000"),
    ("group_unit", "the group `{group}` is of units `{unit}`"),
    ("times_order", "must be after `starts_at`"),
    ("hours_range", "must be 1 to {most}"),
    ("primary_missing", "choose the metric that decides before it starts; a flag needs none"),
    ("nothing_to_compare", "at least two need a weight, or there is nothing to compare"),
    ("variant_unknown", "there is no variant `{variant}`"),
    ("winner_missing", "name the variant that everybody gets"),
    ("variants_number", "must be {least} to {most}"),
    ("variant_twice", "is that of another variant already"),
    ("weight_range", "must be 0 to 1000000"),
    ("value_type", "must be a boolean, a text, a number or an object"),
    ("value_other_type", "must be of the same type as that of the first variant"),
    ("value_long", "must be shorter than {most} bytes, and without NUL"),
    ("one_control", "exactly one must be the control: what people get without it"),
    ("weight_missing", "at least one needs a weight"),
    ("rules_number", "must be at most {most}"),
    ("rule_twice", "is that of another rule already"),
    ("metrics_number", "must be at most {most} metrics in all"),
    ("metric_twice", "`{metric}` is there twice"),
    ("margin_range", "a margin must be a number that is not negative"),
    ("reading_range", "alpha must be 0.0001 to 0.5, and the number of units positive"),
    ("plan_range", "needs an effect above 0, a power of 0.5 to below 1, and units above 0"),
    ("units_missing", "to read once, say at how many units; or read always"),
    ("subject_elsewhere", "is for holdouts only"),
    ("holdout_variants", "a holdout has two with a weight: the control, held out, and the others"),
    ("holdout_traffic", "a holdout has all the traffic and no group; its weights say how many are held out"),
    ("holdout_rules", "a holdout only splits"),
    ("subject_form", "is written as `journey:jrn_...`, `campaign:...` or `slot:...`"),
    ("fixed", "is fixed once it has started; make a copy and start that"),
    ("fixed_over", "are fixed, with rules, traffic and group, because it is over; make a copy and start that"),
    (
        "places_kept",
        "places of what runs can only be added, or its people would meet another experiment; stop it to free them",
    ),
    ("control_fixed", "the control is fixed once it has started"),
    ("variants_kept", "none can be taken away while it runs; give it the weight 0, which closes it"),
    ("control_closed", "the control needs a weight while it runs"),
    ("runs_already", "it runs already"),
    (
        "over_cannot_start",
        "what is over cannot be started again; make a copy and start that: the same people would be exposed anew",
    ),
    ("not_started", "a draft can neither be paused nor ended; start it first"),
    ("only_running_pauses", "only what runs can be paused"),
    ("stopped_already", "it is stopped already"),
    ("decided_already", "it is decided; stop it first, then decide again"),
    ("overlap", "places {from} to {to} of the group `{group}` overlap those of `{with}`; free are {free}"),
    ("number_range", "must be {least} to {most}"),
    ("policy_text", "must have {least} to {most} bytes in one line, without spaces around it"),
    ("policy_exists", "there is a policy `{key}` already; choose another key"),
    ("policy_two_arms", "a policy of effects has two: the usual one and the other"),
    ("policy_arm_twice", "is that of another arm already"),
    ("policy_arm_unknown", "there is no arm `{arm}`"),
    ("policy_fixed_arm", "everybody gets `{arm}`, so it cannot be taken away; start the policy first"),
    ("policy_cap_missing", "say how many messages somebody gets at most, and in how many hours"),
    ("policy_cap_elsewhere", "is for policies of how often to write only"),
    ("policy_worth", "must be above 0"),
    ("policy_features_elsewhere", "a bandit knows no facts; choose a policy by facts, or leave them out"),
    ("policy_feature_twice", "is there already"),
    ("policy_experiment_missing", "name the experiment whose people effects are learnt from"),
    ("policy_experiment_elsewhere", "is for policies of effects only"),
    ("policy_runs_already", "it decides already"),
    ("policy_frequency_other", "`{key}` says already how often people are written to; pause it first"),
    ("exists", "there is an experiment `{key}` already; choose another key"),
    ("stale", "`{key}` was saved by somebody else meanwhile (it is at version {version}); look at it again, then save"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        let refused = Refusal::new("variant_unknown", [("variant", "{variant} {".to_owned())]);
        assert_eq!(refused.text, "there is no variant `{variant} {`");
    }
}
