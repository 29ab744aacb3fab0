//! The sets that many baskets hold. Growth by projection (Han, Pei and Yin 2000, "Mining frequent patterns without candidate generation"), on the baskets
//! themselves instead of a tree: items in a basket lie from the most bought to the least, and a set grows by more and more bought items, so that all it needs
//! of a basket is what lies before its last item; each further item's baskets are delivered in one pass (Uno, Kiyomi and Arimura 2004, "LCM ver. 2").
//!
//! Memory: the baskets once, the sets found, and along the set that is being grown the baskets that hold it.

use super::Share;
use crate::fault::Fault;

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The share of all baskets that hold a set, at least.
    pub support: Share,
    /// Sets of no more items than this.
    pub longest: usize,
    /// How many sets there may be before the answer is that there are too many.
    pub most: usize,
}

impl Limits {
    /// Sets of any size, up to two million of them.
    pub fn support(support: Share) -> Self {
        Self { support, longest: usize::MAX, most: 2_000_000 }
    }
}

/// Sets of items with the numbers of baskets that hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemSets {
    /// How many baskets there are, empty ones included.
    pub baskets: u64,
    items: Vec<u32>,
    ends: Vec<usize>,
    counts: Vec<u64>,
}

impl ItemSets {
    /// All sets that enough baskets hold. An item that is twice in a basket counts once.
    ///
    /// # Errors
    /// No baskets, and more sets than there may be.
    pub fn mine<B: AsRef<[u32]>>(baskets: &[B], limits: &Limits) -> Result<Self, Fault> {
        Self::mine_while(baskets, limits, &|| true)
    }

    /// The same as long as `goes_on` says so, which is asked with every set that is found.
    ///
    /// # Errors
    /// Those of [`ItemSets::mine`], and that it was stopped.
    pub fn mine_while<B: AsRef<[u32]>>(
        baskets: &[B],
        limits: &Limits,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Self, Fault> {
        if baskets.is_empty() {
            return Err(Fault::TooFew { what: "baskets", have: 0, need: 1 });
        }
        // A set that no basket holds is none.
        let least = limits.support.least(baskets.len() as u64).max(1);
        let (names, ordered) = by_popularity(baskets, least);
        let found = Self { baskets: baskets.len() as u64, items: Vec::new(), ends: Vec::new(), counts: Vec::new() };
        let mut growth = Growth {
            least,
            limits,
            names: &names,
            ordered: &ordered,
            goes_on,
            found,
            set: Vec::new(),
            spare: Vec::new(),
        };
        let all: Vec<(u32, u32)> = ordered.windows_of().map(|(at, length)| (at as u32, length as u32)).collect();
        growth.grow(&all, names.len())?;
        Ok(growth.found)
    }

    /// How many sets.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Each set, its items in ascending order, with the number of baskets that hold it.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], u64)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).zip(&self.counts).map(|((from, to), count)| (&self.items[from..*to], *count))
    }
}

/// Baskets one after the other, their items by popularity.
struct Ordered {
    ranks: Vec<u32>,
    ends: Vec<usize>,
}

impl Ordered {
    /// Where each begins, and how long it is.
    fn windows_of(&self) -> impl Iterator<Item = (usize, usize)> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(from, to)| (from, to - from))
    }
}

/// The items that are in enough baskets, the most bought first, and the baskets without the others.
fn by_popularity<B: AsRef<[u32]>>(baskets: &[B], least: u64) -> (Vec<u32>, Ordered) {
    let mut names: Vec<u32> = Vec::new();
    let mut sorted: Vec<Vec<u32>> = Vec::with_capacity(baskets.len());
    for basket in baskets {
        let mut items = basket.as_ref().to_vec();
        items.sort_unstable();
        items.dedup();
        names.extend_from_slice(&items);
        sorted.push(items);
    }
    names.sort_unstable();
    let mut counted: Vec<(u64, u32)> =
        names.chunk_by(|a, b| a == b).map(|same| (same.len() as u64, same[0])).filter(|it| it.0 >= least).collect();
    counted.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let names: Vec<u32> = counted.iter().map(|it| it.1).collect();
    let mut by_name: Vec<(u32, u32)> = names.iter().copied().zip(0..).collect();
    by_name.sort_unstable();
    let mut ordered = Ordered { ranks: Vec::new(), ends: Vec::new() };
    for items in &sorted {
        let from = ordered.ranks.len();
        let rank = |item: &u32| by_name.binary_search_by_key(item, |it| it.0).ok().map(|at| by_name[at].1);
        ordered.ranks.extend(items.iter().filter_map(rank));
        ordered.ranks[from..].sort_unstable();
        ordered.ends.push(ordered.ranks.len());
    }
    (names, ordered)
}

/// Why there is no list of sets.
const TOO_MANY: Fault = Fault::NotIdentified {
    why: "which sets matter: too many have this support, so ask for more of it or for shorter sets",
};

const STOPPED: Fault = Fault::NotIdentified { why: "which sets there are, as the search was stopped" };

struct Growth<'a> {
    least: u64,
    limits: &'a Limits,
    names: &'a [u32],
    ordered: &'a Ordered,
    goes_on: &'a dyn Fn() -> bool,
    found: ItemSets,
    /// The set that is being grown.
    set: Vec<u32>,
    /// Memory of deliveries that are over.
    spare: Vec<Delivery>,
}

/// Where the baskets of each next item lie.
#[derive(Default)]
struct Delivery {
    counts: Vec<u32>,
    starts: Vec<u32>,
    places: Vec<(u32, u32)>,
}

impl Growth<'_> {
    /// Adds every set that is the one being grown and items below `ranks`; `places` are the beginnings of its baskets, up to its last item.
    fn grow(&mut self, places: &[(u32, u32)], ranks: usize) -> Result<(), Fault> {
        if self.set.len() >= self.limits.longest {
            return Ok(());
        }
        let mut delivery = self.spare.pop().unwrap_or_default();
        self.deliver(places, ranks, &mut delivery);
        for rank in 0..ranks {
            let count = delivery.counts[rank];
            if u64::from(count) < self.least {
                continue;
            }
            self.set.push(self.names[rank]);
            self.add(u64::from(count))?;
            if rank > 0 {
                let start = delivery.starts[rank] as usize;
                self.grow(&delivery.places[start..start + count as usize], rank)?;
            }
            self.set.pop();
        }
        self.spare.push(delivery);
        Ok(())
    }

    /// Counts the items before each basket's last one, and gives every item that is in enough of them its baskets.
    fn deliver(&self, places: &[(u32, u32)], ranks: usize, delivery: &mut Delivery) {
        let Delivery { counts, starts, places: delivered } = delivery;
        counts.clear();
        counts.resize(ranks, 0);
        let items = |(at, length): &(u32, u32)| &self.ordered.ranks[*at as usize..(*at + *length) as usize];
        for place in places {
            items(place).iter().for_each(|rank| counts[*rank as usize] += 1);
        }
        starts.clear();
        let mut total = 0;
        for count in counts.iter() {
            starts.push(total);
            total += if u64::from(*count) >= self.least { *count } else { 0 };
        }
        delivered.clear();
        delivered.resize(total as usize, (0, 0));
        for (at, length) in places {
            for (before, rank) in items(&(*at, *length)).iter().enumerate() {
                let rank = *rank as usize;
                if u64::from(counts[rank]) >= self.least {
                    delivered[starts[rank] as usize] = (*at, before as u32);
                    starts[rank] += 1;
                }
            }
        }
        for (start, count) in starts.iter_mut().zip(counts.iter()) {
            *start -= if u64::from(*count) >= self.least { *count } else { 0 };
        }
    }

    fn add(&mut self, count: u64) -> Result<(), Fault> {
        if !(self.goes_on)() {
            return Err(STOPPED);
        }
        let found = &mut self.found;
        if found.counts.len() >= self.limits.most {
            return Err(TOO_MANY);
        }
        let from = found.items.len();
        found.items.extend_from_slice(&self.set);
        found.items[from..].sort_unstable();
        found.ends.push(found.items.len());
        found.counts.push(count);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn too_many_sets_are_said() {
        let baskets = [(0..25).collect::<Vec<u32>>()];
        let limits = Limits { most: 1_000, ..Limits::support(Share::new(1, 1).unwrap()) };
        assert!(ItemSets::mine(&baskets, &limits).unwrap_err().to_string().contains("too many have this support"));
        let pairs = ItemSets::mine(&baskets, &Limits { longest: 2, ..limits }).unwrap();
        assert_eq!(pairs.len(), 25 + 300);
        assert!(ItemSets::mine::<Vec<u32>>(&[], &limits).is_err());
        let asked = std::cell::Cell::new(0);
        let three = || asked.replace(asked.get() + 1) < 3;
        let stopped = ItemSets::mine_while(&baskets, &limits, &three).unwrap_err();
        assert!(stopped.to_string().contains("stopped") && asked.get() == 4, "{stopped}");
        assert!(ItemSets::mine(&[Vec::<u32>::new()], &limits).unwrap().is_empty());
    }

    proptest! {
        /// Oracle: every set of the seven items, counted basket by basket.
        #[test]
        fn every_set_with_its_count(baskets in prop::collection::vec(prop::collection::vec(0u32..7, 0..7), 1..20), part in 0u64..10, longest in 1usize..8) {
            let support = Share::new(part, 10).unwrap();
            let mined = ItemSets::mine(&baskets, &Limits { longest, ..Limits::support(support) }).unwrap();
            let mut wanted = Vec::new();
            for mask in 1u32..128 {
                let set: Vec<u32> = (0..7).filter(|item| mask >> item & 1 == 1).collect();
                let count = baskets.iter().filter(|it| set.iter().all(|item| it.contains(item))).count();
                if count > 0 && count * 10 >= part as usize * baskets.len() && set.len() <= longest {
                    wanted.push((set, count as u64));
                }
            }
            wanted.sort();
            let mut found: Vec<(Vec<u32>, u64)> = mined.iter().map(|(set, count)| (set.to_vec(), count)).collect();
            found.sort();
            prop_assert_eq!(found, wanted);
        }
    }
}
