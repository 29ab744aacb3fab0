//! What Nordlicht Shop sells: 150 products in ten categories, gross prices in euro cents, and which products are bought together.
//!
//! Always holds: ids, names and prices are constants, the same for every seed; within a category the first products are the most popular.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::message::{euros, map};

/// A category: its name, its link's part, how much of the shop's demand it has, and its products with their prices in cents.
type Shelf = (&'static str, &'static str, f64, [(&'static str, i64); 15]);

#[rustfmt::skip]
const SHELVES: [Shelf; 10] = [
    ("Coffee & Tea", "coffee-tea", 1.5, [
        ("Nordlicht House Blend 500 g", 1290), ("Midnight Sun Espresso 1 kg", 2490), ("Forest Berry Tea", 690), ("Pour-over Dripper", 1990),
        ("Enamel Mug Blue", 1290), ("Hand Grinder", 5990), ("Paper Filters 100", 490), ("Thermos Bottle 0.75 l", 2990), ("Birch Coffee Scoop", 890),
        ("Cold Brew Jug", 2790), ("Oat Biscuits", 450), ("Moka Pot 6 Cups", 3490), ("Earl Grey Loose 100 g", 890), ("Milk Frother", 2290), ("Gooseneck Kettle", 6990)]),
    ("Kitchen", "kitchen", 1.2, [
        ("Cast Iron Pan 26 cm", 4990), ("Birch Cutting Board", 2990), ("Linen Tea Towel", 1190), ("Chef's Knife 20 cm", 7990), ("Stoneware Bowl", 1690),
        ("Stoneware Plate", 1490), ("Salad Servers Oak", 1990), ("Bread Tin", 2490), ("Cast Iron Pot 5 l", 12900), ("Spice Mill", 2790),
        ("Oven Gloves", 1590), ("Storage Jar 1 l", 990), ("Baking Tray", 1790), ("Kitchen Scale", 3290), ("Wooden Spoon Set", 1390)]),
    ("Lighting", "lighting", 0.7, [
        ("Beeswax Candles 6", 1490), ("Storm Lantern", 3990), ("Paper Star Lamp", 2490), ("Desk Lamp Ash", 8990), ("Fairy Lights 10 m", 1990),
        ("Camping Lantern LED", 3490), ("Headlamp 400 lm", 4490), ("Pendant Lamp Felt", 12900), ("Tealight Holder", 990), ("Floor Lamp Birch", 17900),
        ("Candle Snuffer", 790), ("Bedside Lamp", 5990), ("Window Arch Lights", 3990), ("Lamp Oil 1 l", 690), ("Solar Garden Light", 1890)]),
    ("Textiles", "textiles", 1.1, [
        ("Wool Blanket Grey", 8990), ("Sheepskin", 6990), ("Linen Bedding Set", 13900), ("Cushion Cover Fjord", 2490), ("Wool Socks Two Pairs", 1990),
        ("Bath Towel", 2290), ("Sauna Towel", 3290), ("Felt Slippers", 4490), ("Down Pillow", 5990), ("Table Runner", 2790),
        ("Cotton Throw", 4990), ("Hot Water Bottle Knit", 2690), ("Bath Mat", 2990), ("Curtain Pair Linen", 9990), ("Kitchen Apron", 2690)]),
    ("Clothing", "clothing", 1.3, [
        ("Merino Base Layer", 6990), ("Wool Beanie", 2990), ("Rain Jacket Bergen", 14900), ("Fleece Jacket Tromsø", 8990), ("Hiking Trousers", 9990),
        ("Merino T-Shirt", 4990), ("Down Vest", 12900), ("Gloves Windproof", 3990), ("Flannel Shirt", 5990), ("Winter Parka Kiruna", 29900),
        ("Neck Warmer", 1990), ("Softshell Trousers", 11900), ("Sun Hat", 2490), ("Hiking Socks", 1690), ("Knitted Sweater", 9990)]),
    ("Camping", "camping", 1.0, [
        ("Gas Stove", 4990), ("Gas Cartridge 230 g", 690), ("Two Person Tent", 24900), ("Sleeping Mat", 7990), ("Sleeping Bag -5 °C", 17900),
        ("Spork Titanium", 1290), ("Cook Set Two Persons", 5490), ("Folding Chair", 6990), ("Water Filter", 3990), ("Tarp 3 x 3 m", 8990),
        ("Fire Steel", 1490), ("Tent Pegs 10", 1290), ("Hammock", 5990), ("Freeze-dried Chili", 890), ("Dry Bag 20 l", 1990)]),
    ("Hiking", "hiking", 1.0, [
        ("Water Bottle 1 l", 1990), ("Trekking Poles", 7990), ("Daypack 22 l", 8990), ("Backpack 55 l", 18900), ("Hiking Boots Abisko", 17900),
        ("Gaiters", 3990), ("Map Case", 1690), ("Compass", 2990), ("First Aid Kit", 2490), ("Blister Plasters", 590),
        ("Boot Wax", 990), ("Rain Cover", 1890), ("Shoe Laces", 490), ("Trail Mix 500 g", 790), ("Emergency Blanket", 650)]),
    ("Garden", "garden", 0.7, [
        ("Seed Box Nordic Flowers", 1490), ("Hand Trowel", 1690), ("Bird Feeder", 2990), ("Watering Can 5 l", 3490), ("Garden Gloves", 1290),
        ("Raised Bed Larch", 14900), ("Fire Bowl 60 cm", 12900), ("Pruning Shears", 3490), ("Bird Seed 2 kg", 990), ("Plant Pot Clay", 1190),
        ("Garden Twine", 490), ("Hose 20 m", 4990), ("Compost Bin", 7990), ("Insect House", 2490), ("Rake Ash Handle", 3990)]),
    ("Children", "children", 0.8, [
        ("Wooden Elk", 1990), ("Picture Book Northern Lights", 1590), ("Rain Suit Kids", 4990), ("Rubber Boots Kids", 2990), ("Memory Game Forest", 1790),
        ("Balance Bike", 9990), ("Kids Headlamp", 1990), ("Knitted Blanket Baby", 4490), ("Building Blocks 60", 3990), ("Kids Daypack 10 l", 3990),
        ("Crayons Beeswax", 1290), ("Snow Suit Kids", 8990), ("Plush Fox", 1890), ("Sledge Wood", 7990), ("Mittens Kids", 1490)]),
    ("Care", "care", 0.9, [
        ("Birch Soap", 690), ("Hand Cream 75 ml", 890), ("Sauna Scent Spruce", 1290), ("Lip Balm", 390), ("Bath Brush", 1590),
        ("Shampoo Bar", 890), ("Leather Balm", 1190), ("Beard Oil", 1690), ("Sun Cream 50", 1490), ("Wool Wash 500 ml", 990),
        ("Wooden Comb", 1090), ("Face Oil Sea Buckthorn", 2490), ("Toiletry Bag", 2990), ("Mosquito Balm", 790), ("Massage Ball", 1290)]),
];

/// Pairs of (category, place) bought together more often than by chance: when the first is chosen by taste, the second goes into the basket too in 30 % of cases.
const TOGETHER: [((usize, usize), (usize, usize)); 10] = [
    ((0, 3), (0, 6)),
    ((0, 5), (0, 0)),
    ((5, 0), (5, 1)),
    ((5, 2), (5, 11)),
    ((5, 4), (5, 3)),
    ((6, 4), (6, 10)),
    ((6, 3), (6, 11)),
    ((7, 2), (7, 8)),
    ((2, 1), (2, 13)),
    ((4, 0), (9, 9)),
];

/// Something the shop sells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Its id in events.
    pub product_id: String,
    /// Stock keeping unit.
    pub sku: String,
    /// Its name.
    pub name: &'static str,
    /// Its category's name.
    pub category: &'static str,
    /// Gross price in cents of a euro.
    pub price_cents: i64,
    /// Its page in the shop.
    pub url: String,
}

/// All products.
#[derive(Clone, Debug)]
pub struct Catalogue {
    products: Vec<Product>,
}

/// Products in each category.
pub(crate) const SHELF: usize = 15;

impl Catalogue {
    /// The shop's only catalogue.
    pub(crate) fn new() -> Self {
        let mut products = Vec::with_capacity(SHELVES.len() * SHELF);
        for (shelf, (category, slug, _, rows)) in SHELVES.iter().enumerate() {
            for (place, (name, price_cents)) in rows.iter().enumerate() {
                let number = (shelf + 1) * 100 + place + 1;
                products.push(Product {
                    product_id: format!("P{number}"),
                    sku: format!("NL-{number}-{:02}", price_cents % 97),
                    name,
                    category,
                    price_cents: *price_cents,
                    url: format!("https://nordlicht.example/{slug}/p{number}"),
                });
            }
        }
        Self { products }
    }

    /// All products, category by category.
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// The names of the categories.
    pub fn categories(&self) -> impl ExactSizeIterator<Item = &'static str> {
        SHELVES.iter().map(|shelf| shelf.0)
    }

    /// Pairs of product ids planted as bought together: when the first is chosen by taste, the
    /// second goes into the basket too in 30 % of cases.
    pub fn companions(&self) -> impl Iterator<Item = (&str, &str)> {
        TOGETHER.iter().map(|(a, b)| {
            let id = |(shelf, place): (usize, usize)| self.products[shelf * SHELF + place].product_id.as_str();
            (id(*a), id(*b))
        })
    }

    /// How much of the demand a category has.
    pub(crate) fn demand(shelf: usize) -> f64 {
        SHELVES[shelf].2
    }

    /// How popular a place within its category is.
    pub(crate) fn popularity(place: usize) -> f64 {
        1.0 / (place as f64 + 3.0)
    }

    /// What is bought with a product.
    pub(crate) fn companion(product: usize) -> Option<usize> {
        let at = (product / SHELF, product % SHELF);
        TOGETHER.iter().find(|(first, _)| *first == at).map(|(_, (shelf, place))| shelf * SHELF + place)
    }
}

impl Product {
    /// The fields of Segment's product object.
    pub(crate) fn properties(&self, quantity: i64) -> Map<String, Value> {
        map([
            ("product_id", Value::from(self.product_id.as_str())),
            ("sku", Value::from(self.sku.as_str())),
            ("name", Value::from(self.name)),
            ("category", Value::from(self.category)),
            ("price", euros(self.price_cents)),
            ("quantity", Value::from(quantity)),
            ("url", Value::from(self.url.as_str())),
        ])
    }
}
