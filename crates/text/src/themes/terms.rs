//! What a text is about, piece by piece: clauses, and the words and pairs of words in them that carry meaning.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use crate::features::without_blanks;
use crate::words::Stems;

/// A text is looked at this far.
const MOST_BYTES: usize = 32_768;

/// Words that say nothing about what a text is about, of the languages that are met most; degree and judgement are sentiment's, not a theme's.
const EMPTY: &str = "a about after again all also am an and any are as at be because been before being best better but by can could did do does doing done \
    don't each even ever every few for from further get go going good got great had has have having he her here hers him his how i i'd i'll i'm i've if \
    in into is isn't it it's its itself just know like made make makes many me more most much must my never no nor not now of off on once one only or other \
    our out over own please really same see she should so some still such than that that's the their them then there these they thing things this those \
    through to too two under until up us use used very want was way we well were what when where which while who why will with would yes yet you your hi hello please help need trying tried try wondering \
    aber alle als am auch auf aus bei bin bis das dass dem den der des die doch du ein eine einem einen einer er es für habe haben hat ich ihr im in ist ja \
    kann kein keine man mein mich mir mit nach nicht noch nur oder sehr sich sie sind so über um und uns von vor war was wenn wie wir wird zu zum zur \
    ao aos as com como da das de depois do dos e ela ele em era essa esse esta este eu foi isso já mais mas me mesmo meu minha muito na nas não no nos o os \
    ou para pela pelo por pra que se sem ser seu só sua também tem ter um uma vou bem \
    al con cuando del el ella ellos en es está estoy fue ha hay la las le les lo los mi muy pero porque sí sin sobre son su sus también tengo todo una uno y ya \
    à au aux avec ce ces cette c'est dans des du elle est et il ils j'ai je la le les leur lui ma mais mes mon ne nous on ont ou par pas plus pour qu que qui \
    sa se ses son sont sur très un une vos votre vous \
    的 了 是 我 我们 你 你们 他 她 它 他们 在 有 和 也 都 很 就 不 没 没有 还 还是 这 这个 那 那个 一个 一 一下 非常 太 吧 啊 呢 吗 啦 哦 与 及 等 等等 比较 但 但是 \
    不过 所以 因为 如果 而且 还有 什么 怎么 自己 可以 会 要 说 去 来 到 给 让 被 把 对 从 个 次 真的 真 挺 好 不错 感觉 觉得 一般 应该 比 最 更 再 又 只 只是 就是 不是 一点 有点 这么 那么 很多 这家 这次 以后 不会 不能 不要 为什么 知道 根本 实在 已经 可能 还好 这样 那样 是不是 不怎么 以前 挺好吃 好吃 很快 一般般 特别 点儿 出来 里面 还行 别的 东西";

static WITHOUT_MEANING: LazyLock<HashSet<&str>> = LazyLock::new(|| EMPTY.split_whitespace().collect());

/// The clauses of a text: between signs that end one, and before words that turn.
pub fn clauses(text: &str) -> Vec<Range<usize>> {
    const TURNS: [&str; 8] = [" but ", " however ", " although ", " aber ", " pero ", " porém ", " mas ", " mais "];
    let text = &text[..text.floor_char_boundary(MOST_BYTES)];
    let (mut clauses, mut start) = (Vec::new(), 0);
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let blank_behind = characters.peek().is_none_or(|(_, next)| next.is_whitespace());
        let end = match c {
            '。' | '！' | '？' | '；' | '，' | '\n' | '!' | '?' | ';' | '…' => Some(at + c.len_utf8()),
            '.' | ',' | ':' if blank_behind => Some(at + 1),
            ' ' if TURNS.iter().any(|turn| starts_with(&text[at..], turn)) => Some(at),
            '但' | '不' if text[at..].starts_with("但是") || text[at..].starts_with("不过") => Some(at),
            _ => None,
        };
        if let Some(end) = end {
            clauses.push(start..end);
            start = end;
        }
    }
    clauses.push(start..text.len());
    clauses.retain(|range| text[range.clone()].chars().any(char::is_alphanumeric));
    clauses
}

fn starts_with(text: &str, turn: &str) -> bool {
    text.as_bytes().get(..turn.len()).is_some_and(|head| head.eq_ignore_ascii_case(turn.as_bytes()))
}

/// What a clause is made of.
#[derive(Default)]
pub(super) struct Terms {
    /// The stems of all its words.
    pub words: Vec<String>,
    /// The stems of words that carry meaning and of pairs of such words side by side, each as it was written.
    pub terms: Vec<(String, String)>,
}

/// The words and terms of a clause.
pub(super) fn terms(clause: &str, stems: &Stems) -> Terms {
    let mut found = Terms::default();
    let mut before: Option<(String, String)> = None;
    for word in stems.words(clause) {
        let meaning = !WITHOUT_MEANING.contains(word.text.as_str()) && word.text.chars().any(char::is_alphabetic);
        let long = word.text.chars().nth(1).is_some();
        found.words.push(word.stem.clone());
        if !(meaning && long) {
            before = None;
            continue;
        }
        if let Some((stem, text)) = before.filter(|before| before.0 != word.stem) {
            let blank = if word.text.chars().any(without_blanks) { "" } else { " " };
            found.terms.push((format!("{stem}{blank}{}", word.stem), format!("{text}{blank}{}", word.text)));
        }
        found.terms.push((word.stem.clone(), word.text.clone()));
        before = Some((word.stem, word.text));
    }
    found
}
