//! Offers by every rule: less alike, what comes next, what is like an item or bought with it, what is due, in stock, of a price, a kind, a purpose.

use serde_json::Value;

use crate::hostile::pairs;
use crate::kept::there_and_back;
use crate::{data, file, json, near, number, refused, run};

fn offered(found: &Value) -> Vec<&str> {
    found["offers"].as_array().unwrap().iter().map(|it| it["offer"].as_str().unwrap()).collect()
}

/// A shop where one thing leads to the next.
fn chain() -> String {
    let mut text = "customer,item,day\n".to_owned();
    for person in 0..60 {
        (0..5).for_each(|at| text += &format!("p{person},i{:02},{at}\n", (person * 7 + at) % 12));
    }
    text
}

#[test]
fn what_comes_next() {
    let (_folder, path) = file("chain.csv", chain());
    let columns = ["recommend", &path, "--date", "day", "--dates", "days", "--limit", "1"];
    let (found, again) = there_and_back(
        &[&columns[..], &["--method", "next", "--for", "p0"]].concat(),
        &[&columns[..], &["--for", "p0"]].concat(),
    );
    // Everybody takes the item after the one that they took last; by what is popular five of twelve are met.
    assert_eq!((number(&found, "/metrics/hit_rate"), number(&found, "/metrics/customers_judged")), (1.0, 60.0));
    assert!(number(&found, "/metrics/ndcg_above_what_is_popular") > 0.5);
    assert_eq!(offered(&found), ["i05"], "after i00 to i04");
    assert!(found["offers"][0]["because_of"].as_str().unwrap().starts_with("i04"), "{}", found["offers"]);
    assert_eq!((found["offers"].clone(), found["model"].clone()), (again["offers"].clone(), again["model"].clone()));
    let rules = found["follows"].as_array().unwrap();
    let next = |it: &Value| (it["after"].as_str().unwrap()[1..].parse::<u32>().unwrap() + 1) % 12;
    assert!(rules.iter().take(12).all(|it| it["comes"] == format!("i{:02}", next(it))), "{rules:?}");
    let error = refused(&["recommend", &path, "--method", "next"]);
    assert!(error.contains("name their column with --date"), "{error}");
}

/// A third of the weight on it makes lists of films less alike, covers more of them, and costs little.
#[test]
fn films_that_are_unlike() {
    let Some(path) = data("movielens_100k/u.data.zst") else { return };
    let columns = ["recommend", &*path, "--customer", "column_1", "--item", "column_2", "--method", "ease"];
    let found = json(&[&columns[..], &["--unlike", "0.33"]].concat());
    let of = |name: &str| number(&found, &format!("/metrics/{name}"));
    assert!(of("diversity") > of("diversity_of_lists_as_they_are") + 0.01, "{}", found["metrics"]);
    assert!(of("coverage") > of("coverage_of_lists_as_they_are"), "{}", found["metrics"]);
    assert!((-0.006..0.002).contains(&of("ndcg_above_lists_as_they_are")), "{}", found["metrics"]);
    assert!((0.465..0.495).contains(&of("ndcg")), "{}", found["metrics"]);
}

#[test]
fn unlike_by_nothing_is_as_it_is() {
    let (_folder, path) = file("pairs.csv", pairs());
    let columns = ["recommend", &path, "--method", "neighbours", "--for", "p3", "--limit", "2"];
    let plain = json(&columns);
    let (none, _) = there_and_back(&[&columns[..], &["--unlike", "0"]].concat(), &["recommend", &path]);
    assert_eq!(none["offers"], plain["offers"]);
    assert_eq!(number(&none, "/metrics/ndcg_above_lists_as_they_are"), 0.0);
    // Everything is as popular, so without it the first are all of one kind.
    let popular = ["recommend", &path, "--method", "popular", "--for", "p3", "--limit", "2"];
    assert_eq!(offered(&json(&popular)), ["i2", "i4"]);
    let again = ["recommend", &path, "--for", "p3", "--limit", "2"];
    let (much, again) = there_and_back(&[&popular[..], &["--unlike", "0.9"]].concat(), &again);
    assert_eq!(offered(&much), ["i2", "i3"]);
    assert_eq!(much["offers"], again["offers"], "how unlike lists are is kept");
}

/// By hand: of five orders bread is in four, butter in three, both in three; and who had milk had bread.
#[test]
fn alike_and_together() {
    let orders = ["bread,butter", "bread,butter,milk", "butter,bread,bread", "bread", "milk", "tea,jam", "tea,jam"];
    let mut rows = String::new();
    for (at, items) in orders.iter().enumerate() {
        items.split(',').for_each(|item| rows += &format!("p{at},{item},o{at}\n"));
    }
    // Enough others, of whom nothing is told.
    (0..40).for_each(|at| rows += &format!("q{at},x{},r{at}\nq{at},y{},r{at}\n", at % 4, at % 5));
    let (_folder, path) = file("orders.csv", format!("customer,item,order\n{rows}"));
    let columns = ["recommend", &path, "--method", "popular", "--similar-to", "bread"];
    let found = json(&[&columns[..], &["--basket", "order", "--together-with", "bread"]].concat());
    let first = &found["together"][0];
    assert_eq!((&first["item"], first["orders_with_both"].as_u64()), (&"butter".into(), Some(3)));
    near(number(first, "/support"), 3.0 / 47.0, 9);
    assert_eq!(number(first, "/confidence"), 0.75);
    near(number(first, "/lift"), 3.0 * 47.0 / 12.0, 9);
    assert_eq!(found["together"].as_array().unwrap().len(), 1, "once is chance");
    let first = &found["similar"][0];
    assert_eq!(first["item"], "butter");
    near(number(first, "/likeness"), 3.0 / 12.0_f64.sqrt(), 9);
    assert!(refused(&[&columns[..], &["--together-with", "bread"]].concat()).contains("--basket"));
    let error = refused(&["recommend", &path, "--method", "popular", "--together-with", "wine", "--basket", "order"]);
    assert!(error.contains("--together-with wine: there is no such item"), "{error}");
}

/// Coffee at 5, 8, 9 (out of stock) and 30, cups at 12, an article about coffee, and something of which nothing is known.
const ITEMS: &str = "sku,category,price,stock,kind\na,coffee,5,yes,product\nb,coffee,8,3,product\nc,coffee,9,0,product\nd,coffee,30,yes,product\n\
    e,cups,12,,product\nf,coffee,0,1,article\n";

/// Forty people, each with some of seven items; a most often, then b and so on.
fn shop() -> String {
    let mut rows = "customer,item,day\n".to_owned();
    for person in 0..40 {
        for (at, item) in ["a", "b", "c", "d", "e", "f", "g"].into_iter().enumerate() {
            if person % (at + 2) > 0 || at == 0 {
                rows += &format!("p{person},{item},{}\n", at * 10 + person % 7);
            }
        }
    }
    rows
}

#[test]
fn rules_of_items() {
    let (folder, path) = file("shop.csv", shop());
    let items = folder.path().join("items.csv");
    std::fs::write(&items, ITEMS).unwrap();
    let items = items.display().to_string();
    let columns = ["recommend", &path, "--item", "item", "--method", "popular", "--having", "a"];
    let all = json(&columns);
    let mut wanted = offered(&all);
    wanted.sort_unstable();
    assert_eq!(wanted, ["b", "c", "d", "e", "f", "g"]);
    let of = |more: &[&str]| {
        let found = json(&[&columns[..], &["--items", &items, "--items-id", "sku"], more].concat());
        let mut found: Vec<String> = offered(&found).into_iter().map(str::to_owned).collect();
        found.sort_unstable();
        found.concat()
    };
    assert_eq!(of(&[]), "bdefg", "c is out of stock, and of g nothing is known");
    assert_eq!(of(&["--purpose", "up-sell"]), "b", "d is six times as dear");
    assert_eq!(of(&["--purpose", "up-sell", "--most-times", "9"]), "bd");
    assert_eq!(of(&["--purpose", "cross-sell"]), "e", "coffee is met");
    assert_eq!(of(&["--price-band", "6..12"]), "beg");
    assert_eq!(of(&["--price-band", "usual"]), "g", "5 divided and times by 1.5");
    assert_eq!(of(&["--kinds", "article"]), "f");
    assert_eq!(of(&["--again", "--kinds", "product"]), "abde");
    // For everybody.
    let out = folder.path().join("offers.csv").display().to_string();
    let rules = ["--items", &items, "--items-id", "sku", "--purpose", "cross-sell", "--out", &out];
    json(&[&columns[..6], &rules[..]].concat());
    let rows = std::fs::read_to_string(&out).unwrap();
    assert!(rows.lines().count() > 1 && rows.lines().skip(1).all(|it| it.split(',').nth(2) != Some("c")), "{rows}");
    let refused = |more: &[&str]| refused(&[&columns[..], &["--items", &items], more].concat());
    assert!(refused(&["--items-id", "kind"]).contains("kind is there more than once"));
    assert!(refused(&["--items-id", "price"]).contains("no item of the rows is in items.csv"));
    assert!(
        refused(&["--items-id", "sku", "--kinds", "film"])
            .contains("there is no such kind; there are product, article")
    );
    assert!(refused(&["--items-id", "sku", "--price-band", "cheap"]).contains("--price-band cheap is no band"));
    assert!(refused(&["--items-id", "sku", "--price-band", "9..3"]).contains("is no band"));
    assert!(refused(&["--items-id", "sku", "--price", "kind"]).contains("kind is no price"));
    assert!(
        refused(&["--items-id", "sku", "--stock", "category"]).contains("category is neither yes nor no, nor how many")
    );
    assert!(refused(&["--items-id", "sku", "--need", "nothing"]).contains("no column nothing (--need)"));
    assert!(refused(&["--items-id", "sku", "--most-times", "1"]).contains("--most-times"));
    let bare = folder.path().join("bare.csv");
    std::fs::write(&bare, "sku,colour\na,red\n").unwrap();
    let bare = bare.display().to_string();
    let arguments = [&columns[..], &["--items", &bare, "--items-id", "sku", "--purpose", "cross-sell"]].concat();
    assert!(crate::refused(&arguments).contains("--need"));
    let arguments = [&columns[..], &["--items", &bare, "--items-id", "sku", "--price-band", "usual"]].concat();
    assert!(crate::refused(&arguments).contains("--price"));
}

/// What was popular long ago, and what is now.
#[test]
fn popular_lately() {
    let mut rows = "customer,item,day\n".to_owned();
    (0..30).for_each(|at| rows += &format!("p{at},old,{}\np{at},other{},{}\n", at % 5, at % 3, at % 90));
    (0..10).for_each(|at| rows += &format!("p{at},new,{}\n", 90 + at));
    let (_folder, path) = file("rows.csv", rows);
    let columns = ["recommend", &path, "--date", "day", "--dates", "days", "--method", "popular", "--having", "other1"];
    assert_eq!(offered(&json(&columns))[0], "old");
    let arguments = [&columns[..], &["--half-life", "7d"]].concat();
    let again = ["recommend", &path, "--date", "day", "--dates", "days", "--having", "other1"];
    let (found, again) = there_and_back(&arguments, &again);
    assert_eq!((offered(&found)[0], number(&found, "/parameters/half_life_days")), ("new", 7.0));
    assert_eq!((&found["offers"], &found["model"]), (&again["offers"], &again["model"]));
}

/// Coffee every thirty days: not after 20, but after 28.
#[test]
fn due_again() {
    let of = |last: u32| {
        let mut rows = "customer,item,day\n".to_owned();
        (0..20).for_each(|at| (0..3).for_each(|time| rows += &format!("p{at},coffee,{}\n", time * 30 + at % 2)));
        (0..20).for_each(|at| rows += &format!("p{at},tea{},{}\n", at % 3, at));
        rows += &format!("me,coffee,{}\nme,tea0,50\nlast,tea1,{last}\n", 60);
        let (_folder, path) = file("rows.csv", rows);
        let columns = ["recommend", &path, "--date", "day", "--dates", "days", "--method", "popular", "--for", "me"];
        let found = json(&[&columns[..], &["--due", "0.9"]].concat());
        offered(&found).contains(&"coffee")
    };
    assert_eq!((of(80), of(88)), (false, true));
}

#[test]
fn offers_that_cannot_be() {
    let (_folder, path) = file("pairs.csv", pairs());
    let of = |more: &[&str]| refused(&[&["recommend", &path], more].concat());
    for share in ["2", "NaN"] {
        assert!(of(&["--unlike", share]).contains("--unlike must be from 0"), "{share}");
    }
    assert!(of(&["--having", "i2,nothing"]).contains("--having nothing: there is no such item"));
    assert!(
        of(&["--similar-to", "nothing", "--method", "popular"]).contains("--similar-to nothing: there is no such item")
    );
    assert!(of(&["--together-with", "i2", "--method", "popular"]).contains("--basket"));
    assert!(of(&["--items", "/nowhere/items.csv"]).contains("cannot be read"));
    for arguments in [
        &["recommend", "x.csv", "--half-life", "7d"][..],
        &["recommend", "x.csv", "--due", "0.9"],
        &["recommend", "x.csv", "--kinds", "a"],
        &["recommend", "x.csv", "--purpose", "up-sell"],
        &["recommend", "x.csv", "--having", "a", "--for", "b"],
        &["recommend", "x.csv", "--load", "a.json", "--method", "next"],
        &["recommend", "x.csv", "--again", "--due", "1", "--date", "d"],
    ] {
        assert_eq!(run(arguments).status.code(), Some(2), "{arguments:?}");
    }
}
