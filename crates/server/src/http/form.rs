//! Parameters as forms and queries carry them (`application/x-www-form-urlencoded`).

use axum::extract::Query;

/// All parameters, in order; none when the text cannot be read.
pub fn parameters(text: &str) -> Vec<(String, String)> {
    let address = format!("/?{text}").parse();
    let list = address.ok().and_then(|address| Query::<Vec<(String, String)>>::try_from_uri(&address).ok());
    list.map_or_else(Vec::new, |list| list.0)
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
        assert_eq!(parameters("\n"), []);
    }
}
