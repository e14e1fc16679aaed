//! The plan as a Graphviz graph: `pipeline plan FILE --format dot | dot -Tsvg`.

use super::{Drawing, Link, PerNode, Plan, Shape, StageState};
use std::fmt::Write;

/// Stages as boxes, sources as notes, what flows on the arrows; dashed arrows only say what comes first.
#[must_use]
pub fn dot(plan: &Plan, states: &PerNode<StageState>) -> String {
    let mut text = format!(
        "digraph plan {{\n  rankdir=LR;\n  label={};\n  labelloc=t;\n  fontname=\"sans-serif\";\n  \
         node [fontname=\"sans-serif\" style=filled];\n  edge [fontname=\"sans-serif\" fontsize=10];\n",
        quoted(&[&plan.operation_mode])
    );
    for node in Drawing::nodes(plan, states) {
        let Drawing { index, shape, lines } = node;
        let outline = if shape == Shape::Source { "note" } else { "box" };
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  n{} [shape={outline} fillcolor=\"{}\" label={}];",
            index.index(),
            shape.colour(),
            quoted(&lines)
        );
    }
    for edge in plan.graph.edge_indices() {
        let Some((from, to)) = plan.graph.edge_endpoints(edge) else { continue };
        let look = match &plan.graph[edge] {
            Link::Data(flow) => format!("label={}", quoted(&[&flow.port, &flow.kind.to_string()])),
            Link::Order => "style=dashed".to_owned(),
        };
        let _ = writeln!(text, "  n{} -> n{} [{look}];", from.index(), to.index());
    }
    text.push_str("}\n");
    text
}

/// A quoted string of lines. In a label Graphviz reads backslashes as escapes and `&...;` as HTML entities.
fn quoted(lines: &[&str]) -> String {
    let escape = |line: &&str| {
        let mut escaped = String::new();
        for c in line.chars() {
            match c {
                '"' => escaped.push_str("\\\""),
                '\\' => escaped.push_str("\\\\"),
                '&' => escaped.push_str("&amp;"),
                '\n' => escaped.push_str("\\n"),
                c if c.is_control() => escaped.push(' '),
                c => escaped.push(c),
            }
        }
        escaped
    };
    format!("\"{}\"", lines.iter().map(escape).collect::<Vec<_>>().join("\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Graphviz shows of a quoted string, by its grammar (graphviz.org/doc/info/lang.html) and the rules of
    /// escString; nothing where the string ends early or holds what is none.
    fn shown(quoted: &str) -> Option<String> {
        let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
        let mut shown = String::new();
        let mut rest = inner.chars();
        while let Some(c) = rest.next() {
            match c {
                '"' => return None,
                '\\' => match rest.next()? {
                    'n' => shown.push('\n'),
                    c @ ('"' | '\\') => shown.push(c),
                    _ => return None,
                },
                '&' => {
                    let entity: String = rest.by_ref().take_while(|c| *c != ';').collect();
                    (entity == "amp").then(|| shown.push('&'))?;
                }
                c => shown.push(c),
            }
        }
        Some(shown)
    }

    proptest! {
        #[test]
        fn a_label_is_shown_as_it_is_whatever_is_in_it(label in r#"[a-z"\\&;<>|{}\[\]\n#%é]{0,20}"#) {
            let text = quoted(&[&label, "second"]);
            prop_assert!(!text.contains('\n'));
            prop_assert_eq!(shown(&text), Some(format!("{label}\nsecond")));
        }
    }
}
