//! Texts with places to fill: `Title: {title}`.

use std::fmt;

/// A text with placeholders, such as `Title: {title}, by {brand}`. A brace that is meant as such
/// is written twice: `{{` or `}}`.
///
/// ```
/// # use gloss_core::Template;
/// let template = Template::parse("Title: {title}").unwrap();
/// assert_eq!(template.fields(), ["title"]);
/// assert_eq!(template.render(|_| Some("Lip balm")), "Title: Lip balm");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(String),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A message about `text`: a brace without its partner, or a placeholder without a name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from_brace) = rest.split_at(at);
            literal.push_str(before);
            let (brace, after) = from_brace.split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let (name, after) = placeholder(brace, after, text)?;
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Field(name.to_string()));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Template { parts })
    }

    /// The names between braces, each once, in the order of their first occurrence.
    pub fn fields(&self) -> Vec<&str> {
        let mut fields = Vec::new();
        for part in &self.parts {
            if let Part::Field(name) = part
                && !fields.contains(&name.as_str())
            {
                fields.push(name);
            }
        }
        fields
    }

    /// The text with each placeholder replaced by what `value` has for its name, or by nothing
    /// where that is `None`.
    pub fn render<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text,
                Part::Field(name) => value(name).unwrap_or_default(),
            })
            .collect()
    }
}

/// Splits what follows an opening brace into the name and what comes after its closing brace.
fn placeholder<'a>(brace: &str, after: &'a str, text: &str) -> Result<(&'a str, &'a str), String> {
    if brace == "}" {
        return Err(format!(
            "`{text}` has a `}}` without a `{{` before it; write `}}}}` for a brace as such"
        ));
    }
    match after.split_once('}') {
        Some((name, _)) if name.contains('{') => Err(format!(
            "`{text}` has a `{{` inside a placeholder; write `{{{{` for a brace as such"
        )),
        Some((name, _)) if name.trim().is_empty() => Err(format!(
            "`{text}` has a placeholder without a name; write the name of a field between `{{` and `}}`"
        )),
        Some((name, rest)) => Ok((name, rest)),
        None => Err(format!(
            "`{text}` has a `{{` that is not closed; write `{{{{` for a brace as such"
        )),
    }
}

/// The template as [`Template::parse`] reads it.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Part::Field(name) => write!(f, "{{{name}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn placeholders_are_filled_and_absent_fields_leave_nothing() {
        let template = Template::parse("{{{a}}} by {b}{c}, {a}").unwrap();
        assert_eq!(template.fields(), ["a", "b", "c"]);
        let value = |field: &str| match field {
            "a" => Some("x"),
            "b" => Some("{y}"),
            _ => None,
        };
        assert_eq!(template.render(value), "{x} by {y}, x");
    }

    #[test]
    fn a_faulty_template_is_told_how_to_be_mended() {
        let error = |text| Template::parse(text).unwrap_err();
        assert!(error("Title: {title").contains("`{` that is not closed"));
        assert!(error("Title: title}").contains("`}` without a `{`"));
        assert!(error("Title: {}").contains("without a name"));
        assert!(error("Title: {a{b}").contains("inside a placeholder"));
    }

    proptest! {
        #[test]
        fn what_is_displayed_parses_to_the_same(text in "[a{}é ]{0,12}") {
            if let Ok(template) = Template::parse(&text) {
                prop_assert_eq!(Template::parse(&template.to_string()), Ok(template));
            }
        }

        #[test]
        fn a_doubled_text_renders_to_itself(text in any::<String>()) {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            let template = Template::parse(&doubled).unwrap();
            prop_assert_eq!(template.render(|_| Some("never")), text);
        }
    }
}
