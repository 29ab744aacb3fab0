//! The relaxed form of headers and body that is signed (RFC 6376, 3.4.2 and 3.4.4).
//!
//! Always holds: lines are told apart by CRLF only, as on the wire. Nothing here is recursive or fails; broken input has a form too.

/// Headers with the CRLF of the last, and the body after the empty line.
pub(super) fn parts(message: &[u8]) -> (&[u8], &[u8]) {
    match message.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(at) => (&message[..at + 2], &message[at + 4..]),
        None => (message, &[]),
    }
}

/// Names in small letters, and canonical values.
pub(super) fn fields(head: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(head);
    let mut unfolded: Vec<String> = Vec::new();
    for line in text.split("\r\n").filter(|line| !line.is_empty()) {
        match unfolded.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push_str("\r\n");
                last.push_str(line);
            }
            _ => unfolded.push(line.to_owned()),
        }
    }
    unfolded
        .iter()
        .filter_map(|field| field.split_once(':'))
        .map(|(name, text)| (name.trim_end().to_ascii_lowercase(), value(text)))
        .collect()
}

/// A value on one line, with single spaces and none at its ends.
pub(super) fn value(text: &str) -> String {
    let words: Vec<&str> = text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Spaces before the end of a line go, others become one; empty lines at the end go; what is not empty ends with CRLF.
pub(super) fn body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 2);
    let mut filled = 0;
    for line in lines(body) {
        let mut space = false;
        for &byte in line {
            if byte == b' ' || byte == b'\t' {
                space = true;
                continue;
            }
            if space {
                out.push(b' ');
                space = false;
            }
            out.push(byte);
        }
        let empty = out.len() == filled || out.ends_with(b"\r\n");
        out.extend_from_slice(b"\r\n");
        if !empty {
            filled = out.len();
        }
    }
    out.truncate(filled);
    out
}

fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(body);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.windows(2).position(|window| window == b"\r\n") {
            Some(at) => {
                rest = Some(&text[at + 2..]);
                Some(&text[..at])
            }
            None => {
                rest = None;
                Some(text)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example of RFC 6376, 3.4.5.
    #[test]
    fn the_example_of_the_rfc() {
        let message = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let (head, text) = parts(message);
        let found: Vec<String> = fields(head).into_iter().map(|(name, value)| format!("{name}:{value}")).collect();
        assert_eq!(found, ["a:X", "b:Y Z"]);
        assert_eq!(body(text), b" C\r\nD E\r\n");
        assert_eq!(body(b"\r\n\r\n"), b"");
        assert_eq!(body(b""), b"");
        assert_eq!(body(b" \t\r\nx"), b"\r\nx\r\n");
    }

    /// The rules one after the other, as they are written in the RFC.
    fn slow(body: &[u8]) -> Vec<u8> {
        let text: String = body.iter().map(|byte| char::from(*byte)).collect();
        let mut lines: Vec<String> = text.split("\r\n").map(str::to_owned).collect();
        for line in &mut lines {
            *line = line.trim_end_matches([' ', '\t']).replace('\t', " ");
            while line.contains("  ") {
                *line = line.replace("  ", " ");
            }
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines.iter().flat_map(|line| format!("{line}\r\n").chars().map(|c| c as u8).collect::<Vec<u8>>()).collect()
    }

    proptest! {
        #[test]
        fn as_the_rules_say(text in "([ab \t]|\r\n|\r|\n){0,40}") {
            prop_assert_eq!(body(text.as_bytes()), slow(text.as_bytes()));
        }
    }
}
