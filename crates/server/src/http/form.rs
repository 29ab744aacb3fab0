//! Parameters as forms and queries carry them (`application/x-www-form-urlencoded`).

/// All parameters, in order. Anything can be read as some.
pub fn parameters(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// The first parameter of this name that is not empty.
pub fn parameter(text: &str, name: &str) -> Option<String> {
    parameters(text).into_iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let text = "email=ann%40example.org&password=a+b%26c&next=&next=%2Fhome";
        assert_eq!(parameter(text, "email").as_deref(), Some("ann@example.org"));
        assert_eq!(parameter(text, "password").as_deref(), Some("a b&c"));
        assert_eq!(parameter(text, "next").as_deref(), Some("/home"));
        assert_eq!(parameters(""), []);
        // Longer than any address, and not written as browsers do.
        let long = format!("text={}&more=a<b>\"c d#e", "%E5%A5%BD".repeat(10_000));
        assert_eq!(parameter(&long, "text").unwrap().chars().count(), 10_000);
        assert_eq!(parameter(&long, "more").as_deref(), Some("a<b>\"c d#e"));
        assert_eq!(parameter("a=%FF%zz", "a").as_deref(), Some("\u{FFFD}%zz"));
    }
}
