//! The tree of topics.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::Language;
use rapport_text::themes::taxonomy::Topic;
use serde::{Deserialize, Serialize};

use crate::survey::Words;

/// Topics, at most.
const MOST: usize = 300;
/// Words of a topic, at most.
const MOST_WORDS: usize = 200;
/// How far the tree goes down.
const DEEPEST: usize = 4;

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What it is known by; it stays when it is renamed.
    pub key: String,
    /// The topic above it.
    #[serde(default)]
    pub parent: Option<String>,
    /// What it is called, by language.
    pub name: Words,
    /// Words and pairs of words that always mean it, in any form.
    #[serde(default)]
    pub words: Vec<String>,
    /// Whether nothing new is put into it; what was stays countable.
    #[serde(default)]
    pub is_retired: bool,
    /// The keys of topics that were merged into it: what was put into those by hand is in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<String>,
}

/// The tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tree(pub Vec<Node>);

type Ready = (&'static str, Option<&'static str>, &'static str, &'static str, &'static str);

/// Key, parent, name in English and Chinese, words.
const USUAL: &[Ready] = &[
    ("product", None, "Product", "商品", ""),
    (
        "quality",
        Some("product"),
        "Quality",
        "质量",
        "quality, broke, broken, defect, defective, sturdy, solid, cheap material, well made, kaputt, defekt, Qualität, qualidade, quebrou, 质量, 坏了, 结实, 做工",
    ),
    (
        "fit",
        Some("product"),
        "Size and fit",
        "尺寸",
        "size, too small, too big, too large, fits, fit, Größe, zu klein, zu groß, tamanho, 尺寸, 尺码, 太小, 太大",
    ),
    (
        "looks",
        Some("product"),
        "Looks",
        "外观",
        "colour, color, design, beautiful, pretty, looks, Farbe, schön, cor, bonito, 颜色, 好看, 外观",
    ),
    ("delivery", None, "Delivery", "配送", "delivery, shipping, Lieferung, Versand, entrega, 配送, 物流, 快递"),
    (
        "delivery_time",
        Some("delivery"),
        "Delivery time",
        "配送时效",
        "late, delayed, delay, arrived quickly, fast delivery, never arrived, waiting, verspätet, atrasado, atraso, 迟到, 很慢, 很快",
    ),
    (
        "packaging",
        Some("delivery"),
        "Packaging",
        "包装",
        "packaging, box, parcel, package, damaged box, Verpackung, Paket, embalagem, pacote, 包装, 包裹",
    ),
    (
        "service",
        None,
        "Service",
        "服务",
        "service, support, staff, agent, hotline, rude, friendly, helpful, Kundendienst, freundlich, atendimento, 客服, 服务, 态度",
    ),
    (
        "price",
        None,
        "Price",
        "价格",
        "price, expensive, cheap, worth, value for money, overpriced, Preis, teuer, preço, caro, barato, 价格, 太贵, 便宜, 性价比",
    ),
    (
        "returns",
        None,
        "Returns and refunds",
        "退换与退款",
        "return, refund, money back, exchange, Rücksendung, Erstattung, devolução, reembolso, 退货, 退款, 换货",
    ),
    (
        "website",
        None,
        "Website and app",
        "网站与应用",
        "website, app, login, password, checkout, page, Webseite, site, aplicativo, 网站, 应用, 登录, 页面",
    ),
    (
        "payment",
        None,
        "Payment",
        "支付",
        "payment, pay, invoice, charged, credit card, Zahlung, Rechnung, pagamento, cartão, 支付, 付款, 发票, 扣款",
    ),
];

impl Default for Tree {
    /// What people say of shops.
    fn default() -> Self {
        let name = |language: &str, text: &str| Some((Language::parse(language)?, text.to_owned()));
        let node = |(key, parent, en, zh, words): &Ready| Node {
            key: (*key).to_owned(),
            parent: parent.map(str::to_owned),
            name: Words([name("en", en), name("zh", zh)].into_iter().flatten().collect()),
            words: words.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect(),
            is_retired: false,
            merged: Vec::new(),
        };
        Self(USUAL.iter().map(node).collect())
    }
}

impl Tree {
    /// What is wrong with it, if anything: the place and why.
    ///
    /// # Errors
    /// That.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        if self.0.len() > MOST {
            return Err(("topics".to_owned(), "there are at most 300"));
        }
        let mut seen = BTreeSet::new();
        for (at, node) in self.0.iter().enumerate() {
            let refuse = |field: &str, why| Err((format!("topics[{at}].{field}"), why));
            let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if node.key.is_empty() || node.key.len() > 40 || !node.key.chars().all(is_letter) {
                return refuse("key", "a key has 1 to 40 of a-z, 0-9 and _");
            }
            if !seen.insert(node.key.as_str()) {
                return refuse("key", "its key is there already");
            }
            let is_name = |text: &String| (1..=80).contains(&text.trim().chars().count());
            if node.name.0.is_empty() || !node.name.0.values().all(is_name) {
                return refuse("name", "a name has 1 to 80 characters in at least one language");
            }
            let is_word = |text: &String| (1..=60).contains(&text.trim().chars().count());
            if node.words.len() > MOST_WORDS || !node.words.iter().all(is_word) {
                return refuse("words", "there are at most 200, each with 1 to 60 characters");
            }
        }
        for (at, node) in self.0.iter().enumerate() {
            if !node.merged.iter().all(|key| key.len() <= 40 && seen.insert(key.as_str())) {
                return Err((
                    format!("topics[{at}].merged"),
                    "what was merged is in one topic only, and is none itself",
                ));
            }
        }
        for (at, node) in self.0.iter().enumerate() {
            if node.parent.as_ref().is_some_and(|parent| !self.has(parent)) {
                return Err((format!("topics[{at}].parent"), "there is no such topic"));
            }
            if self.line(&node.key).len() > DEEPEST {
                return Err((
                    format!("topics[{at}].parent"),
                    "topics stand in at most four levels, and above themselves in none",
                ));
            }
        }
        Ok(())
    }

    /// A topic and all above it, from itself upwards; cut where it would never end.
    pub fn line(&self, key: &str) -> Vec<&str> {
        let above: BTreeMap<&str, &Node> = self.0.iter().map(|node| (node.key.as_str(), node)).collect();
        let mut line = Vec::new();
        let mut next = above.get(key).copied();
        while let Some(node) = next.filter(|_| line.len() <= DEEPEST) {
            line.push(node.key.as_str());
            next = node.parent.as_deref().and_then(|parent| above.get(parent).copied());
        }
        line
    }

    /// The topic that goes by a key now: the one that has it, or the one that it was merged into.
    pub fn now(&self, key: &str) -> Option<&str> {
        let is_it = |node: &&Node| node.key == key || node.merged.iter().any(|it| it == key);
        self.0.iter().find(is_it).map(|node| node.key.as_str())
    }

    /// The keys by which these topics went at any time.
    pub fn ever(&self, keys: &BTreeSet<String>) -> BTreeSet<String> {
        let these = self.0.iter().filter(|node| keys.contains(&node.key));
        these.flat_map(|node| node.merged.iter().chain([&node.key])).cloned().collect()
    }

    /// The tree with a topic merged into another: its words, what stands below it, and what was put into it by hand are there from then on.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn merge(&self, key: &str, into: &str) -> Result<Self, &'static str> {
        let at = |key: &str| self.0.iter().position(|node| node.key == key);
        let (Some(from), Some(to)) = (at(key), at(into)) else { return Err("there is no such topic") };
        if self.line(into).contains(&key) {
            return Err("a topic is not merged into itself or into one that stands below it");
        }
        if self.0[to].is_retired {
            return Err("it is retired: nothing is put into it any more");
        }
        let old = &self.0[from];
        // A word of two topics is the first one's, and one of a retired topic is nobody's: neither becomes more by this.
        let is_of = |node: &Node, word: &str| node.words.iter().any(|it| it.to_lowercase() == word.to_lowercase());
        let is_own = |word: &&String| !self.0[..from].iter().chain([&self.0[to]]).any(|node| is_of(node, word));
        let words: Vec<String> = old.words.iter().filter(|_| !old.is_retired).filter(is_own).cloned().collect();
        let mut tree = self.clone();
        for node in tree.0.iter_mut().filter(|node| node.parent.as_deref() == Some(key)) {
            node.parent = Some(into.to_owned());
        }
        tree.0[to].words.extend(words);
        tree.0[to].merged.extend(old.merged.iter().chain([&old.key]).cloned());
        tree.0.remove(from);
        tree.check().map_err(
            |(place, why)| if place.ends_with("words") { "together they have more than 200 words" } else { why },
        )?;
        Ok(tree)
    }

    /// A topic and all that stand below it.
    pub fn below(&self, key: &str) -> BTreeSet<String> {
        let keys = self.0.iter().map(|node| node.key.as_str());
        keys.filter(|other| self.line(other).contains(&key)).map(str::to_owned).collect()
    }

    /// Whether there is such a topic.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|node| node.key == key)
    }

    /// The topics as they are learnt: with their words, without those that are retired.
    pub fn topics(&self) -> Vec<Topic> {
        let live = self.0.iter().filter(|node| !node.is_retired);
        live.map(|node| Topic { key: node.key.clone(), words: node.words.clone() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_one_is_right_and_wrong_ones_are_named() {
        let usual = Tree::default();
        assert_eq!(usual.check(), Ok(()));
        assert_eq!(usual.line("packaging"), ["packaging", "delivery"]);
        assert_eq!((usual.line("nothing").len(), usual.has("price")), (0, true));
        assert_eq!(usual.below("delivery").into_iter().collect::<Vec<_>>(), ["delivery", "delivery_time", "packaging"]);
        assert_eq!((usual.below("packaging").len(), usual.below("nothing").len()), (1, 0));
        let wrong = |change: fn(&mut Tree)| {
            let mut tree = Tree::default();
            change(&mut tree);
            tree.check().unwrap_err().0
        };
        assert_eq!(wrong(|it| it.0[1].key = "Bad key".to_owned()), "topics[1].key");
        assert_eq!(wrong(|it| it.0[1].key = "product".to_owned()), "topics[1].key");
        assert_eq!(wrong(|it| it.0[2].name.0.clear()), "topics[2].name");
        assert_eq!(wrong(|it| it.0[2].words.push(String::new())), "topics[2].words");
        assert_eq!(wrong(|it| it.0[2].parent = Some("nothing".to_owned())), "topics[2].parent");
        // Above themselves, and each above the other.
        assert_eq!(wrong(|it| it.0[0].parent = Some("product".to_owned())), "topics[0].parent");
        assert_eq!(wrong(|it| it.0[0].parent = Some("quality".to_owned())), "topics[0].parent");
        let mut retired = Tree::default();
        retired.0[1].is_retired = true;
        assert!(!retired.topics().iter().any(|it| it.key == "quality") && retired.has("quality"));
        assert_eq!(wrong(|it| it.0[3].merged.push("product".to_owned())), "topics[3].merged");
        assert_eq!(
            wrong(|it| it.0[3..5].iter_mut().for_each(|node| node.merged.push("old".to_owned()))),
            "topics[4].merged"
        );
    }

    #[test]
    fn a_topic_goes_into_another_with_all_that_is_its_own() {
        let mut usual = Tree::default();
        usual.0.iter_mut().find(|node| node.key == "packaging").unwrap().merged.push("boxes".to_owned());
        usual.0.iter_mut().find(|node| node.key == "service").unwrap().words.push("Parcel".to_owned());
        let tree = usual.merge("delivery", "service").unwrap();
        let of = |key: &str| tree.0.iter().find(|node| node.key == key);
        assert_eq!(
            (of("delivery"), tree.now("delivery"), tree.now("boxes")),
            (None, Some("service"), Some("packaging"))
        );
        assert_eq!(tree.line("packaging"), ["packaging", "service"]);
        assert!(of("service").unwrap().words.iter().any(|word| word == "Lieferung"));
        // Twice: what was merged before goes along, and a word that an earlier topic has stays that one's.
        let twice = tree.merge("packaging", "price").unwrap();
        assert_eq!((twice.now("boxes"), twice.now("delivery")), (Some("price"), Some("service")));
        let words = &twice.0.iter().find(|node| node.key == "price").unwrap().words;
        assert!(words.iter().any(|word| word == "Verpackung") && !words.iter().any(|word| word == "late"));
        assert_eq!(twice.ever(&twice.below("price")).into_iter().collect::<Vec<_>>(), ["boxes", "packaging", "price"]);
        for (key, into) in
            [("delivery", "delivery"), ("delivery", "packaging"), ("delivery", "nothing"), ("nothing", "price")]
        {
            assert!(usual.merge(key, into).is_err(), "{key} {into}");
        }
        usual.0.iter_mut().for_each(|node| node.is_retired = true);
        assert!(usual.merge("price", "service").is_err());
        usual.0.iter_mut().for_each(|node| node.is_retired = node.key == "price");
        let late = usual.merge("price", "service").unwrap();
        assert!(
            !late.0.iter().any(|node| node.words.iter().any(|word| word == "teuer")),
            "words of a retired one stay retired"
        );
    }
}
