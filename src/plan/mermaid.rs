//! The plan as a Mermaid flowchart, for Markdown that shows such.

use super::{Drawing, Link, PerNode, Plan, Shape, StageState};
use std::fmt::Write;

/// Stages as boxes, sources as cylinders, what flows on the arrows; dotted arrows only say what comes first.
#[must_use]
pub fn mermaid(plan: &Plan, states: &PerNode<StageState>) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for Drawing { index, shape, lines } in Drawing::nodes(plan, states) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let label = quoted(&lines);
        let outlined = if shape == Shape::Source { format!("[({label})]") } else { format!("[{label}]") };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  n{}{outlined}:::{}", index.index(), shape.word());
    }
    for edge in plan.graph.edge_indices() {
        let Some((from, to)) = plan.graph.edge_endpoints(edge) else { continue };
        let arrow = match &plan.graph[edge] {
            Link::Data(flow) => format!("-->|{}|", quoted(&[&flow.port, &flow.kind.to_string()])),
            Link::Order => "-.->".to_owned(),
        };
        let _ = writeln!(text, "  n{} {arrow} n{}", from.index(), to.index());
    }
    for shape in Shape::ALL {
        let _ = writeln!(text, "  classDef {} fill:{},stroke:#555,color:#000", shape.word(), shape.colour());
    }
    text
}

/// A quoted string of lines. Whatever could mean something to Mermaid, to Markdown or to HTML is a numbered entity.
fn quoted(lines: &[&str]) -> String {
    let escape = |line: &&str| {
        let mut escaped = String::new();
        for c in line.chars() {
            match c {
                '\n' => escaped.push_str("<br>"),
                c if c.is_control() => escaped.push(' '),
                ' ' | '_' | '-' | '.' | ',' | '(' | ')' | '/' | '=' => escaped.push(c),
                c if c.is_alphanumeric() => escaped.push(c),
                c => {
                    let _ = write!(escaped, "#{};", u32::from(c));
                }
            }
        }
        escaped
    };
    format!("\"{}\"", lines.iter().map(escape).collect::<Vec<_>>().join("<br>"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Mermaid shows of a quoted string; nothing where something in it could mean something else.
    fn shown(quoted: &str) -> Option<String> {
        let inner = quoted.strip_prefix('"')?.strip_suffix('"')?.replace("<br>", "\n");
        let mut shown = String::new();
        let mut rest = inner.chars();
        while let Some(c) = rest.next() {
            match c {
                '#' => {
                    let number: String = rest.by_ref().take_while(|c| *c != ';').collect();
                    shown.push(char::from_u32(number.parse().ok()?)?);
                }
                '"' | '<' | '>' | '|' | '[' | ']' | '{' | '}' | '&' | ';' | ':' | '`' | '%' | '\\' => {
                    return None;
                }
                c => shown.push(c),
            }
        }
        Some(shown)
    }

    proptest! {
        #[test]
        fn a_label_is_shown_as_it_is_whatever_is_in_it(label in r#"[a-z"\\&;:`<>|{}\[\]()\n#%é]{0,20}"#) {
            let text = quoted(&[&label, "second"]);
            prop_assert!(!text.contains('\n'));
            prop_assert_eq!(shown(&text), Some(format!("{label}\nsecond")));
        }
    }
}
