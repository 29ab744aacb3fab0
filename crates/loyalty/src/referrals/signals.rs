//! Signs of fraud: what two people share, how a network or a mailbox is compared, and what is kept of it.
//!
//! Always holds: of devices, payments, networks and addresses a digest with a key of the workspace is kept, never the value; a network is compared by its prefix, so that no single address is kept either.
//!
//! Does not: decide. What a sign does is the programme's to say ([`super::Level`]).

use std::net::IpAddr;

use serde_json::{Map, Value};

/// A sign of fraud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Signal {
    /// Both used one device.
    SameDevice,
    /// Both paid with the same card or account.
    SamePayment,
    /// Both were in the same network.
    SameNetwork,
    /// Both had goods sent to the same address.
    SameAddress,
    /// Both have the same mailbox under different spellings.
    Alias,
    /// Whoever was brought brings whoever brought them.
    ClosedLoop,
    /// Many came by one member within a short time.
    Burst,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::SameDevice,
        Self::SamePayment,
        Self::SameNetwork,
        Self::SameAddress,
        Self::Alias,
        Self::ClosedLoop,
        Self::Burst,
    ];

    /// A stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::SameDevice => "same_device",
            Self::SamePayment => "same_payment",
            Self::SameNetwork => "same_network",
            Self::SameAddress => "same_address",
            Self::Alias => "alias",
            Self::ClosedLoop => "closed_loop",
            Self::Burst => "burst",
        }
    }

    /// Reads [`Signal::code`].
    pub fn read(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|signal| signal.code() == code)
    }

    /// What it means, in one sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SameDevice => "the friend used a device that the member, or another friend of theirs, uses",
            Self::SamePayment => "the friend paid with what the member, or another friend of theirs, pays with",
            Self::SameNetwork => "the friend came from a network that the member uses",
            Self::SameAddress => "the friend's goods go to an address that the member's go to",
            Self::Alias => "the friend's mailbox is the member's, or another friend's, under another spelling",
            Self::ClosedLoop => "members referred each other in a circle",
            Self::Burst => "many friends came by this member within a short time",
        }
    }

    /// Whether a member's friends are compared with each other too, beside the member: one person who plays several friends.
    pub const fn is_among_friends(self) -> bool {
        matches!(self, Self::SameDevice | Self::SamePayment | Self::Alias)
    }
}

/// Writes signs as they are kept: their codes, each once, in order.
pub fn write(signals: &[Signal]) -> String {
    let mut sorted = signals.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted.into_iter().map(Signal::code).collect::<Vec<_>>().join(" ")
}

/// Reads [`write`].
pub fn read(text: &str) -> Vec<Signal> {
    text.split(' ').filter_map(Signal::read).collect()
}

/// What somebody left behind: of what kind, and its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Trace {
    /// Which sign it is when two people have it.
    pub signal: Signal,
    /// The digest of the value.
    pub digest: [u8; 16],
}

impl Trace {
    /// Of a value; `key` is the workspace's own.
    pub fn new(key: &[u8; 32], signal: Signal, value: &str) -> Self {
        let hash = blake3::keyed_hash(key, format!("{}\n{value}", signal.code()).as_bytes());
        Self { signal, digest: hash.as_bytes()[..16].try_into().expect("a hash has 32 bytes") }
    }
}

/// What an event leaves behind: its anonymous ids and device, the payment, the network, the address that goods go to.
pub fn traces(
    key: &[u8; 32],
    anonymous: &[&str],
    properties: &Map<String, Value>,
    context: &Map<String, Value>,
) -> Vec<Trace> {
    let mut found: Vec<Trace> = anonymous.iter().map(|id| Trace::new(key, Signal::SameDevice, id)).collect();
    if let Some(device) = text(context.get("device").and_then(|device| device.get("id"))) {
        found.push(Trace::new(key, Signal::SameDevice, device));
    }
    if let Some(payment) = text(properties.get("payment_fingerprint")) {
        found.push(Trace::new(key, Signal::SamePayment, payment.trim()));
    }
    if let Some(network) = text(context.get("ip")).and_then(network) {
        found.push(Trace::new(key, Signal::SameNetwork, &network));
    }
    if let Some(address) = properties.get("shipping_address").and_then(address) {
        found.push(Trace::new(key, Signal::SameAddress, &address));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// The network of an address: the first 24 bits of an IPv4 address, 48 of an IPv6 address; none of one that leads nowhere else.
pub fn network(ip: &str) -> Option<String> {
    match ip.trim().parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(ip) if ip.is_loopback() || ip.is_private() || ip.is_unspecified() || ip.is_link_local() => None,
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            Some(format!("{a}.{b}.{c}"))
        }
        IpAddr::V6(ip) if ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() => None,
        IpAddr::V6(ip) => {
            let [a, b, c, ..] = ip.segments();
            Some(format!("{a:x}:{b:x}:{c:x}"))
        }
    }
}

/// An address as it is compared: letters and digits of all its parts, so that commas, capitals and line breaks do not matter.
pub fn address(value: &Value) -> Option<String> {
    const PARTS: [&str; 9] =
        ["street", "line1", "line2", "address1", "address2", "city", "postal_code", "zip", "country"];
    let whole = match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let part = |name: &&str| fields.get(*name).and_then(Value::as_str);
            PARTS.iter().filter_map(part).collect::<Vec<_>>().join(" ")
        }
        _ => return None,
    };
    let folded: String = whole.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    // A town or a country alone is no address.
    (folded.chars().count() >= 8).then_some(folded)
}

/// The mailbox behind an e-mail address: without what follows a `+`; with Gmail also without dots.
pub fn mailbox(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (name, host) = email.rsplit_once('@')?;
    let name = name.split('+').next().unwrap_or("");
    let (name, host) = match host {
        "gmail.com" | "googlemail.com" => (name.replace('.', ""), "gmail.com"),
        _ => (name.to_owned(), host),
    };
    (!name.is_empty() && !host.is_empty()).then(|| format!("{name}@{host}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mailboxes_are_one_under_every_spelling() {
        for alias in ["Ann.Lee@gmail.com", "annlee+1@googlemail.com", " a.n.n.l.e.e+x+y@gmail.com "] {
            assert_eq!(mailbox(alias).as_deref(), Some("annlee@gmail.com"), "{alias}");
        }
        assert_eq!(mailbox("ann.lee+club@example.com").as_deref(), Some("ann.lee@example.com"));
        assert_ne!(mailbox("annlee@example.com"), mailbox("ann.lee@example.com"), "only Gmail drops dots");
        assert_eq!(["", "@gmail.com", "+x@gmail.com", "ann", "ann@"].map(mailbox), [const { None }; 5]);
    }

    #[test]
    fn networks_are_prefixes_of_addresses_that_lead_somewhere() {
        assert_eq!(network("203.0.113.7"), network("203.0.113.200"));
        assert_ne!(network("203.0.113.7"), network("203.0.114.7"));
        assert_eq!(network("::ffff:203.0.113.7"), network("203.0.113.9"));
        assert_eq!(network("2001:db8:1:2::3"), network("2001:db8:1:ffff::1"));
        for none in ["127.0.0.1", "10.1.2.3", "192.168.0.1", "::1", "fd00::1", "0.0.0.0", "x", ""] {
            assert_eq!(network(none), None, "{none}");
        }
    }

    #[test]
    fn what_an_event_leaves_behind_is_a_digest() {
        let key = [7; 32];
        let written = json!({"street": "Hauptstraße 1", "city": "Köln", "postal_code": "50667"});
        let properties = json!({"payment_fingerprint": "card-1", "shipping_address": written});
        let context = json!({"ip": "203.0.113.7", "device": {"id": "d-1"}});
        let of = |key: &[u8; 32]| traces(key, &["a-1"], properties.as_object().unwrap(), context.as_object().unwrap());
        let found = of(&key);
        let kinds: Vec<Signal> = found.iter().map(|it| it.signal).collect();
        assert_eq!(
            kinds,
            [Signal::SameDevice, Signal::SameDevice, Signal::SamePayment, Signal::SameNetwork, Signal::SameAddress]
        );
        assert!(of(&[8; 32]).iter().all(|it| !found.contains(it)), "another workspace has other digests");
        let other = json!("HAUPTSTRASSE 1, 50667 KÖLN");
        assert_ne!(address(&other), None);
        assert_eq!(address(&json!({"street": "Main St 12", "city": "X"})), address(&json!("main st. 12, x")));
        assert_eq!(address(&json!("Köln")), None);
        let hostile = json!({"payment_fingerprint": ["x"], "shipping_address": 7});
        assert_eq!(traces(&key, &[], hostile.as_object().unwrap(), &Map::new()), []);
    }

    #[test]
    fn signs_are_read_back() {
        assert!(Signal::ALL.iter().all(|it| Signal::read(it.code()) == Some(*it)));
        let text = write(&[Signal::Burst, Signal::SameDevice, Signal::Burst]);
        assert_eq!((text.as_str(), read(&text)), ("same_device burst", vec![Signal::SameDevice, Signal::Burst]));
        assert_eq!(read(""), []);
    }
}
