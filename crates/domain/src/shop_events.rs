//! Standard event names. Shops call the same thing by many names; questions know one. The e-commerce names are those of
//! Segment's e-commerce specification v2 (<https://segment.com/docs/connections/spec/ecommerce/v2/>); subscriptions, messages,
//! surveys, reviews, tickets and product use follow the same "Object Verbed" form.

/// An order was paid or placed.
pub const ORDER_COMPLETED: &str = "Order Completed";
/// Money went back to the customer, wholly or in part.
pub const ORDER_REFUNDED: &str = "Order Refunded";
/// An order was called off before delivery.
pub const ORDER_CANCELLED: &str = "Order Cancelled";
/// An order's content changed.
pub const ORDER_UPDATED: &str = "Order Updated";
/// A product page was seen.
pub const PRODUCT_VIEWED: &str = "Product Viewed";
/// A product went into the cart.
pub const PRODUCT_ADDED: &str = "Product Added";
/// What is known of a product changed: its price, its stock, what it costs. Our own name: Segment's specification has none.
pub const PRODUCT_UPDATED: &str = "Product Updated";
/// Somebody was exposed to a variant of an experiment: `experiment` and `variant` are their keys.
pub const EXPERIMENT_VIEWED: &str = "Experiment Viewed";
/// The checkout began.
pub const CHECKOUT_STARTED: &str = "Checkout Started";
/// A web page was seen.
pub const PAGE_VIEWED: &str = "Page Viewed";
/// A screen of an app was seen.
pub const SCREEN_VIEWED: &str = "Screen Viewed";
/// A review was written.
pub const PRODUCT_REVIEWED: &str = "Product Reviewed";
/// A survey was answered.
pub const SURVEY_ANSWERED: &str = "Survey Answered";
/// Somebody complained.
pub const COMPLAINT_OPENED: &str = "Complaint Opened";
/// The company answered a complaint.
pub const COMPLAINT_ANSWERED: &str = "Complaint Answered";
/// A complaint was resolved.
pub const COMPLAINT_RESOLVED: &str = "Complaint Resolved";
/// A resolved complaint was opened again.
pub const COMPLAINT_REOPENED: &str = "Complaint Reopened";
/// Whoever complained wrote again.
pub const COMPLAINT_CONTINUED: &str = "Complaint Continued";
/// Somebody wrote of the company in public.
pub const MENTION_PUBLISHED: &str = "Mention Published";
/// Somebody told others of the company so that they come: `referral_id` is what it is called.
pub const REFERRAL_MADE: &str = "Referral Made";
/// Somebody came by a referral: the event is of whoever came, `referral_id` says by which.
pub const REFERRAL_CONVERTED: &str = "Referral Converted";
/// A support ticket was opened.
pub const TICKET_OPENED: &str = "Ticket Opened";
/// A subscription began to be paid.
pub const SUBSCRIPTION_STARTED: &str = "Subscription Started";
/// A subscription was paid for another term.
pub const SUBSCRIPTION_RENEWED: &str = "Subscription Renewed";
/// A subscription's price rose or fell.
pub const SUBSCRIPTION_CHANGED: &str = "Subscription Changed";
/// A subscription ended.
pub const SUBSCRIPTION_CANCELLED: &str = "Subscription Cancelled";
/// A mail asked somebody to confirm what they agreed to. Our own name.
pub const CONFIRMATION_ASKED: &str = "Confirmation Asked";

/// Somebody of the company is to answer a customer who was unhappy. Our own name.
pub const FOLLOW_UP_OPENED: &str = "Follow-up Opened";
/// It is done. Our own name.
pub const FOLLOW_UP_CLOSED: &str = "Follow-up Closed";

/// What happens to people, or is said of them, rather than what they do or say.
pub const PASSIVE: [&str; 19] = [
    "Identify",
    "Group",
    "Alias",
    "Message Sent",
    "Message Delivered",
    "Message Bounced",
    "Survey Sent",
    "Ticket Answered",
    "Ticket Solved",
    "Order Delivered",
    "Order Refunded",
    "Subscription Renewed",
    "Payment Failed",
    CONFIRMATION_ASKED,
    FOLLOW_UP_OPENED,
    FOLLOW_UP_CLOSED,
    COMPLAINT_ANSWERED,
    COMPLAINT_RESOLVED,
    COMPLAINT_REOPENED,
];

/// All standard names with the room of the product they belong to.
pub const STANDARD: &[(&str, &[&str])] = &[
    (
        "browsing",
        &[
            "Products Searched",
            "Product List Viewed",
            "Product List Filtered",
            "Promotion Viewed",
            "Promotion Clicked",
            "Product Clicked",
            PRODUCT_VIEWED,
            "Product Shared",
            PAGE_VIEWED,
            SCREEN_VIEWED,
            PRODUCT_UPDATED,
            EXPERIMENT_VIEWED,
        ],
    ),
    (
        "ordering",
        &[
            PRODUCT_ADDED,
            "Product Removed",
            "Cart Viewed",
            "Cart Shared",
            CHECKOUT_STARTED,
            "Checkout Step Viewed",
            "Checkout Step Completed",
            "Payment Info Entered",
            ORDER_COMPLETED,
            ORDER_UPDATED,
            ORDER_REFUNDED,
            ORDER_CANCELLED,
            "Order Delivered",
            "Coupon Entered",
            "Coupon Applied",
            "Coupon Denied",
            "Coupon Removed",
            "Product Added to Wishlist",
            "Product Removed from Wishlist",
            "Wishlist Product Added to Cart",
        ],
    ),
    (
        "subscriptions",
        &[
            "Trial Started",
            SUBSCRIPTION_STARTED,
            SUBSCRIPTION_RENEWED,
            "Subscription Upgraded",
            "Subscription Downgraded",
            SUBSCRIPTION_CHANGED,
            SUBSCRIPTION_CANCELLED,
            "Payment Failed",
        ],
    ),
    (
        "messages",
        &[
            "Message Sent",
            "Message Delivered",
            "Message Opened",
            "Message Clicked",
            "Message Bounced",
            "Message Complained",
            "Message Unsubscribed",
        ],
    ),
    (
        "feedback",
        &[
            "Survey Sent",
            SURVEY_ANSWERED,
            PRODUCT_REVIEWED,
            FOLLOW_UP_OPENED,
            FOLLOW_UP_CLOSED,
            COMPLAINT_OPENED,
            COMPLAINT_ANSWERED,
            COMPLAINT_RESOLVED,
            COMPLAINT_REOPENED,
            COMPLAINT_CONTINUED,
            MENTION_PUBLISHED,
            REFERRAL_MADE,
            REFERRAL_CONVERTED,
        ],
    ),
    ("support", &[TICKET_OPENED, "Ticket Answered", "Ticket Solved", "Ticket Reopened"]),
    ("consent", &["Consent Granted", "Consent Denied", "Consent Withdrawn", CONFIRMATION_ASKED]),
    ("use", &["Signed Up", "Signed In", "Signed Out", "Feature Used"]),
];

/// Names from older specifications and other products, folded (lower case, letters and digits only), and their standard name.
const ALIASES: &[(&str, &str)] = &[
    ("viewedproductcategory", "Product List Viewed"),
    ("viewedproductlist", "Product List Viewed"),
    ("viewedproduct", PRODUCT_VIEWED),
    ("viewitem", PRODUCT_VIEWED),
    ("viewitemlist", "Product List Viewed"),
    ("addedproduct", PRODUCT_ADDED),
    ("addtocart", PRODUCT_ADDED),
    ("removedproduct", "Product Removed"),
    ("removefromcart", "Product Removed"),
    ("viewedcart", "Cart Viewed"),
    ("viewcart", "Cart Viewed"),
    ("startedcheckout", CHECKOUT_STARTED),
    ("begincheckout", CHECKOUT_STARTED),
    ("completedorder", ORDER_COMPLETED),
    ("orderplaced", ORDER_COMPLETED),
    ("placedorder", ORDER_COMPLETED),
    ("purchase", ORDER_COMPLETED),
    ("refundedorder", ORDER_REFUNDED),
    ("refund", ORDER_REFUNDED),
    ("cancelledorder", ORDER_CANCELLED),
    ("ordercanceled", ORDER_CANCELLED),
    ("searchedproducts", "Products Searched"),
    ("emailopened", "Message Opened"),
    ("emaildelivered", "Message Delivered"),
    ("emaillinkclicked", "Message Clicked"),
    ("emailbounced", "Message Bounced"),
    ("emailmarkedasspam", "Message Complained"),
    ("unsubscribed", "Message Unsubscribed"),
    ("reviewedproduct", PRODUCT_REVIEWED),
    ("loadedapage", PAGE_VIEWED),
    ("viewedpage", PAGE_VIEWED),
    ("pageview", PAGE_VIEWED),
];

/// The standard name of an event, or the name itself (trimmed) when it is the customer's own.
/// "completed order", "Order completed" and "order_completed" are one event.
pub fn standard_name(name: &str) -> &str {
    let name = name.trim();
    let mut buffer = [0u8; 64];
    let Some(folded) = fold(name, &mut buffer) else { return name };
    for (_, names) in STANDARD {
        for standard in *names {
            let mut other = [0u8; 64];
            if fold(standard, &mut other) == Some(folded) {
                return standard;
            }
        }
    }
    ALIASES.iter().find(|(alias, _)| *alias == folded).map_or(name, |(_, standard)| standard)
}

/// Lower case ASCII letters and digits only; `None` when other scripts or too long to be a standard name.
fn fold<'b>(name: &str, buffer: &'b mut [u8; 64]) -> Option<&'b str> {
    let mut length = 0;
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() {
            *buffer.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        } else if !matches!(byte, b' ' | b'_' | b'-' | b'.') {
            return None;
        }
    }
    std::str::from_utf8(&buffer[..length]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_per_thing() {
        for name in ["Order Completed", "order_completed", "Completed Order", "purchase", " ORDER COMPLETED "] {
            assert_eq!(standard_name(name), ORDER_COMPLETED, "{name}");
        }
        assert_eq!(standard_name("Viewed Product Category"), "Product List Viewed");
        assert_eq!(standard_name(" Quiz finished "), "Quiz finished");
        assert_eq!(standard_name("注文完了"), "注文完了");
        for (alias, standard) in ALIASES {
            assert_eq!(standard_name(alias), *standard);
            assert!(STANDARD.iter().any(|(_, names)| names.contains(standard)), "{standard} is not standard");
        }
    }
}
