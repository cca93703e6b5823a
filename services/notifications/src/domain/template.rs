//! Templates of plain text: `{{name}}` is replaced, everything else is as it stands.
//!
//! The first line is `Subject: ...`, the second is empty, the rest is the text. What must hold: a placeholder that nobody fills is
//! an error before anything is sent, and what is filled in is never read as a template again. What it does not do: no loops, no
//! conditions, no HTML; a list is one text by the time that it gets here.

use std::collections::BTreeMap;

/// What is filled in, by name.
pub type Facts = BTreeMap<String, String>;

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// It has no subject line with an empty line behind it.
    #[error("the first line must be `Subject: ...`, with an empty line behind it")]
    NoSubject,
    /// `{{` without `}}`.
    #[error("line {0} has {{{{ without }}}} behind it")]
    Open(usize),
    /// A placeholder that nobody fills.
    #[error("line {line} has the placeholder {{{{{name}}}}}, and there are: {known}")]
    Unknown {
        /// Where.
        line: usize,
        /// Which.
        name: String,
        /// Those that are filled.
        known: String,
    },
}

/// A placeholder of a template was not among what was to be filled in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is nothing for the placeholder {{{{{0}}}}}")]
pub struct Missing(pub String);

/// A template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    subject: Vec<Part>,
    text: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Fact(String),
}

/// What came of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject line.
    pub subject: String,
    /// The text.
    pub text: String,
}

impl Template {
    /// Reads a template in which these placeholders may stand.
    ///
    /// # Errors
    /// See [`BadTemplate`].
    pub fn parse(source: &str, known: &[&str]) -> Result<Self, BadTemplate> {
        let source = source.replace("\r\n", "\n");
        let (head, text) = source.split_once("\n\n").ok_or(BadTemplate::NoSubject)?;
        let subject = head.strip_prefix("Subject:").map(str::trim).ok_or(BadTemplate::NoSubject)?;
        if subject.is_empty() || subject.contains('\n') {
            return Err(BadTemplate::NoSubject);
        }
        Ok(Self { subject: parts(subject, 1, known)?, text: parts(text, 3, known)? })
    }

    /// Fills it in.
    ///
    /// # Errors
    /// [`Missing`].
    pub fn render(&self, facts: &Facts) -> Result<Rendered, Missing> {
        let subject = fill(&self.subject, facts)?.replace(char::is_control, " ");
        Ok(Rendered { subject, text: fill(&self.text, facts)? })
    }
}

fn parts(source: &str, first_line: usize, known: &[&str]) -> Result<Vec<Part>, BadTemplate> {
    let (mut parts, mut rest, mut line) = (Vec::new(), source, first_line);
    while let Some((before, behind)) = rest.split_once("{{") {
        line += before.matches('\n').count();
        let (name, behind) = behind.split_once("}}").ok_or(BadTemplate::Open(line))?;
        let name = name.trim();
        if !known.contains(&name) {
            let (name, known) = (name.to_owned(), known.join(", "));
            return Err(BadTemplate::Unknown { line, name, known });
        }
        parts.push(Part::Text(before.to_owned()));
        parts.push(Part::Fact(name.to_owned()));
        rest = behind;
    }
    parts.push(Part::Text(rest.to_owned()));
    Ok(parts)
}

fn fill(parts: &[Part], facts: &Facts) -> Result<String, Missing> {
    let texts = parts.iter().map(|part| match part {
        Part::Text(text) => Ok(text.as_str()),
        Part::Fact(name) => facts.get(name).map(String::as_str).ok_or_else(|| Missing(name.clone())),
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: &[&str] = &["name", "number"];

    fn facts(name: &str, number: &str) -> Facts {
        [("name", name), ("number", number)].map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn placeholders_are_filled_and_nothing_else_is_touched() {
        let source = "Subject: No. {{ number }}\n\nDear {{name}},\r\n{ {number} } {{number}}}}\n";
        let rendered = Template::parse(source, KNOWN).unwrap().render(&facts("Ada", "7")).unwrap();
        assert_eq!(rendered.subject, "No. 7");
        assert_eq!(rendered.text, "Dear Ada,\n{ {number} } 7}}\n");
    }

    #[test]
    fn a_placeholder_that_nobody_fills_is_told_with_its_line() {
        let wrong = Template::parse("Subject: x\n\none\ntwo {{nmae}}\n", KNOWN).unwrap_err();
        assert_eq!(wrong.to_string(), "line 4 has the placeholder {{nmae}}, and there are: name, number");
        assert_eq!(Template::parse("Subject: {{\n\nx", KNOWN), Err(BadTemplate::Open(1)));
        assert_eq!(Template::parse("Subject: x\n\n\n{{name", KNOWN), Err(BadTemplate::Open(4)));
    }

    #[test]
    fn a_template_has_a_subject_of_one_line() {
        for bad in ["", "Subject: x", "Subject: \n\nx", "Subject: x\ny\n\nz", "Hello\n\nx"] {
            assert_eq!(Template::parse(bad, KNOWN), Err(BadTemplate::NoSubject), "{bad:?}");
        }
    }

    #[test]
    fn a_subject_stays_one_line_whatever_is_filled_in() {
        let template = Template::parse("Subject: {{name}}\n\nx", KNOWN).unwrap();
        let rendered = template.render(&facts("Ada\r\nBcc: everybody@example.org", "")).unwrap();
        assert!(!rendered.subject.contains(['\r', '\n']));
    }

    #[test]
    fn what_is_not_there_is_an_error_and_no_empty_space() {
        let template = Template::parse("Subject: x\n\n{{number}}", KNOWN).unwrap();
        assert_eq!(template.render(&Facts::new()), Err(Missing("number".to_owned())));
    }

    proptest! {
        #[test]
        fn what_is_filled_in_is_never_a_template(name in "\\PC*", number in "[{}a-z]{0,20}") {
            let template = Template::parse("Subject: x\n\n<{{name}}|{{number}}>", KNOWN).unwrap();
            let rendered = template.render(&facts(&name, &number)).unwrap();
            prop_assert_eq!(rendered.text, format!("<{name}|{number}>"));
        }

        #[test]
        fn no_text_makes_the_parser_fail_otherwise_than_by_an_error(source in "(?s).{0,60}") {
            drop(Template::parse(&source, KNOWN));
        }
    }
}
