//! The words of the page of a product's reviews, in English and Chinese.

use axum::http::HeaderMap;

use super::complaint_words::wants_chinese;

/// The words of one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// Behind their number.
    pub reviews: &'static str,
    /// Behind one.
    pub review: &'static str,
    /// In the place of a mean.
    pub none: &'static str,
    /// Behind a number of stars.
    pub stars: &'static str,
    /// Who had the product.
    pub verified: &'static str,
    /// Who may not have.
    pub customer: &'static str,
    /// Before what the company says.
    pub answer: &'static str,
}

impl Words {
    /// English words.
    pub const ENGLISH: Self = Self {
        tag: "en",
        reviews: "reviews",
        review: "review",
        none: "No reviews yet",
        stars: "of 5 stars",
        verified: "Verified buyer",
        customer: "Customer",
        answer: "Answer",
    };
    const CHINESE: Self = Self {
        tag: "zh",
        reviews: "条评价",
        review: "条评价",
        none: "暂无评价",
        stars: "星（满分 5 星）",
        verified: "已购买用户",
        customer: "用户",
        answer: "回复",
    };

    /// The words for a reader.
    pub fn of(headers: &HeaderMap, chosen: Option<&str>) -> &'static Self {
        if wants_chinese(headers, chosen) { &Self::CHINESE } else { &Self::ENGLISH }
    }
}
