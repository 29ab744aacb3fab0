//! Where the real texts are, and how they are read.

use std::path::PathBuf;

/// The file, unpacked, or `None` with a word that it is not there.
pub fn bytes(name: &str) -> Option<Vec<u8>> {
    let beside =
        || PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../../shared/data");
    let root = std::env::var_os("RAPPORT_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        eprintln!("skipped: {name} is not in {} (set RAPPORT_SHARED_DATA)", root.display());
        return None;
    }
    let bytes = std::fs::read(path).unwrap();
    Some(if name.ends_with(".zst") { zstd::decode_all(bytes.as_slice()).unwrap() } else { bytes })
}

/// A text that people rated.
pub struct Rated {
    /// Texts of one group (a review, an article) are never on both sides of a fold.
    pub group: String,
    pub rating: f64,
    pub text: String,
}

/// The four sets of Hutto and Gilbert (2014): the mean of twenty raters, -4 to 4.
pub const GROUND_TRUTH: [&str; 4] = [
    "vader_groundtruth/tweets_GroundTruth.txt",
    "vader_groundtruth/movieReviewSnippets_GroundTruth.txt.zst",
    "vader_groundtruth/amazonReviewSnippets_GroundTruth.txt",
    "vader_groundtruth/nytEditorialSnippets_GroundTruth.txt",
];

/// The texts of one of the four sets; the groups are the part of the id before "_".
pub fn ground_truth(name: &str) -> Option<Vec<Rated>> {
    let bytes = bytes(name)?;
    let text = String::from_utf8_lossy(&bytes);
    let line = |line: &str| {
        let mut parts = line.trim_end_matches('\r').splitn(3, '\t');
        let mut part = || parts.next().unwrap().to_owned();
        let (id, rating, text) = (part(), part(), part());
        let group = id.split_once('_').map_or(id.as_str(), |(group, _)| group).to_owned();
        Rated { group, rating: rating.parse().unwrap(), text }
    };
    Some(text.trim_end_matches('\n').split('\n').map(line).collect())
}
