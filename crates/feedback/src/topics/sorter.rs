//! Which topics a text is about: what was learnt for the tree, and before that what people said of its single clauses.
//!
//! Always holds: where somebody put a clause, there it is, whatever words of topics it has; what they put into a topic that is no more is looked at as any other
//! clause; lists, figures and the look at one text go by the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use rapport_text::themes::clauses;
use rapport_text::themes::taxonomy::{Example, Taxonomy};

use super::Tree;
use super::records::ExampleRow;

/// Puts texts into the topics of a tree.
#[derive(Clone, Debug)]
pub struct Sorter {
    /// The tree.
    pub tree: Tree,
    /// What was learnt for it.
    pub taxonomy: Taxonomy,
    /// Of events: where a clause begins, and its topic; empty for none.
    by_hand: HashMap<[u8; 16], BTreeMap<usize, String>>,
}

/// A clause of a text with its topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause<'s> {
    /// Where it stands in the text.
    pub range: Range<usize>,
    /// The topic's key; `None` where it is in none.
    pub topic: Option<&'s str>,
    /// How probable that is: 1 where words of people, or somebody by hand, decided; 0 in none.
    pub probability: f64,
    /// Whether somebody put it there.
    pub is_by_hand: bool,
}

impl Sorter {
    /// Learns from what people put where, the oldest first.
    pub fn learn(tree: Tree, examples: &[ExampleRow]) -> Self {
        // What was put into a topic that was merged since is in the other; what was put into none stays in none.
        let topic = |it: &ExampleRow| if it.topic.is_empty() { Some("") } else { tree.now(&it.topic) };
        let known: Vec<(&ExampleRow, &str)> = examples.iter().filter_map(|it| Some((it, topic(it)?))).collect();
        let learnt: Vec<Example<'_>> = known
            .iter()
            .map(|(it, topic)| Example { clause: &it.clause, topic: Some(*topic).filter(|topic| !topic.is_empty()) })
            .collect();
        let taxonomy = Taxonomy::learn(&tree.topics(), &learnt);
        let mut by_hand: HashMap<[u8; 16], BTreeMap<usize, String>> = HashMap::new();
        for (it, topic) in known {
            let begins = usize::try_from(it.begins).unwrap_or(usize::MAX);
            by_hand.entry(it.event_id).or_default().insert(begins, topic.to_owned());
        }
        Self { tree, taxonomy, by_hand }
    }

    /// The clauses of what an event brought, as it is shown, each with its topic.
    pub fn clauses(&self, event: [u8; 16], shown: &str) -> Vec<Clause<'_>> {
        let by_hand = self.by_hand.get(&event);
        let mut assigned = self.taxonomy.assign(shown).into_iter().peekable();
        let one = |range: Range<usize>| {
            let found = assigned.next_if(|it| it.range == range);
            match by_hand.and_then(|it| it.get(&range.start)) {
                Some(topic) => {
                    let topic = Some(topic.as_str()).filter(|topic| !topic.is_empty());
                    Clause { range, topic, probability: 1.0, is_by_hand: true }
                }
                None => Clause {
                    range,
                    topic: found.as_ref().map(|it| it.topic),
                    probability: found.map_or(0.0, |it| it.probability),
                    is_by_hand: false,
                },
            }
        };
        clauses(shown).into_iter().map(one).collect()
    }

    /// Its clauses that are in a topic: where they stand, and the topic.
    pub fn assign(&self, event: [u8; 16], shown: &str) -> Vec<(Range<usize>, &str)> {
        let Some(_) = self.by_hand.get(&event) else {
            return self.taxonomy.assign(shown).into_iter().map(|it| (it.range, it.topic)).collect();
        };
        self.clauses(event, shown).into_iter().filter_map(|it| Some((it.range, it.topic?))).collect()
    }

    /// Whether some clause of it is in one of these topics.
    pub fn is_about(&self, event: [u8; 16], shown: &str, topics: &BTreeSet<String>) -> bool {
        self.assign(event, shown).iter().any(|it| topics.contains(it.1))
    }
}

#[cfg(test)]
mod tests {
    use rapport_domain::{Handle, Timestamp};

    use super::*;

    fn put(event: u8, begins: i64, clause: &str, topic: &str) -> ExampleRow {
        ExampleRow {
            event_id: [event; 16],
            begins,
            handle: Handle(1),
            clause: clause.to_owned(),
            topic: topic.to_owned(),
            noted_at: Timestamp(0),
            noted_by: String::new(),
        }
    }

    #[test]
    fn what_was_put_by_hand_outweighs_words_in_its_own_text_only() {
        let shown = "The packaging was awful. The price is great!";
        let second = i64::try_from(clauses(shown)[1].start).unwrap();
        let examples = [
            put(1, 0, "The packaging was awful.", "quality"),
            put(1, second, "The price is great!", ""),
            put(2, 0, "The packaging was awful.", "gone"),
        ];
        let sorter = Sorter::learn(Tree::default(), &examples);
        let of = |event: u8| sorter.assign([event; 16], shown).into_iter().map(|it| it.1).collect::<Vec<_>>();
        assert_eq!((of(1), of(2), of(3)), (vec!["quality"], vec!["packaging", "price"], vec!["packaging", "price"]));
        let clauses = sorter.clauses([1; 16], shown);
        assert_eq!(
            clauses.iter().map(|it| (it.topic, it.is_by_hand)).collect::<Vec<_>>(),
            [(Some("quality"), true), (None, true)]
        );
        let merged = Sorter::learn(sorter.tree.merge("quality", "price").unwrap(), &examples);
        assert_eq!(merged.assign([1; 16], shown)[0].1, "price", "what was put into the one is in the other");
        let below = sorter.tree.below("delivery");
        assert!(sorter.is_about([3; 16], shown, &below) && !sorter.is_about([1; 16], shown, &below));
    }
}
