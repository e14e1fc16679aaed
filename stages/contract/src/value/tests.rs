use super::*;
use proptest::prelude::*;

fn float(text: &str) -> f64 {
    number(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refusal(text: &str) -> String {
    literal(text).expect_err(text).to_string()
}

#[test]
fn numbers_are_read_as_users_write_them() {
    assert_eq!(float("1/127.5"), 1.0 / 127.5);
    assert_eq!(float("1./255"), 1.0 / 255.0);
    assert_eq!(float(".5"), 0.5);
    assert_eq!(float("5."), 5.0);
    assert_eq!(float("1_000"), 1000.0);
    assert_eq!(float("1e-7"), 1e-7);
    assert_eq!(float("1.0e-05"), 1e-5);
    assert_eq!(float(" - 1 "), -1.0);
}

#[test]
fn precedence_is_pythons() {
    assert_eq!(float("-2**2"), -4.0);
    assert_eq!(float("2**3**2"), 512.0);
    assert_eq!(float("2**-1"), 0.5);
    assert_eq!(float("1 + 2 * 3 - 8 / 4"), 5.0);
    assert_eq!(float("-7 // 2"), -4.0);
    assert_eq!(float("-7 % 3"), 2.0);
    assert_eq!(float("7 % -3"), -2.0);
    assert_eq!(float("(1 + 2) * 3"), 9.0);
}

#[test]
fn tuples_and_lists_nest() {
    use Literal::{Bool, Float, Int, List, None, Str};
    assert_eq!(literal("(512, 512, 3)"), Ok(List(vec![Int(512), Int(512), Int(3)])));
    assert_eq!(literal("4, 8"), Ok(List(vec![Int(4), Int(8)])));
    assert_eq!(literal("(4,)"), Ok(List(vec![Int(4)])));
    assert_eq!(literal("(4)"), Ok(Int(4)));
    assert_eq!(literal("[4]"), Ok(List(vec![Int(4)])));
    assert_eq!(literal("()"), Ok(List(vec![])));
    assert_eq!(
        literal("[(1/2, True), 'it''s'[0:0]"),
        Err(LiteralError::Unexpected { at: 18, found: "`'`".into(), wanted: "`,` or `]`" })
    );
    assert_eq!(
        literal(r#"[(1/2, True), 'it\'s', None]"#),
        Ok(List(vec![List(vec![Float(0.5), Bool(true)]), Str("it's".into()), None]))
    );
}

#[test]
fn whole_numbers_stay_exact_and_fractions_are_refused() {
    assert_eq!(integer("18446744073709551615"), Ok(u64::MAX.into()));
    assert_eq!(integer("64/2"), Ok(32));
    assert_eq!(integer("1e3"), Ok(1000));
    assert_eq!(
        integer("1/2").map_err(|error| error.to_string()),
        Err("found a number with a fraction, which is not a whole number".to_owned())
    );
}

#[test]
fn refusals_say_what_stands_where() {
    assert_eq!(refusal("abc"), "found `abc` where a number, True, False, None or a quoted string should be");
    assert_eq!(refusal("(1, 2]"), "found `]` where `,` or `)` should be");
    assert_eq!(refusal("(1, 2"), "found the end where `,` or `)` should be");
    assert_eq!(refusal("(0:-1)"), "found `:` where `,` or `)` should be");
    assert_eq!(refusal("1 2"), "found `2` where the end should be");
    assert_eq!(refusal(""), "found the end where a value should be");
    assert_eq!(refusal("017"), "`017` is not a number: a whole number has no leading zeros");
    assert_eq!(refusal("1__0"), "`1__0` is not a number: digits are missing");
    assert_eq!(refusal("1e400"), "`1e400` is not a number: it is too large");
    assert_eq!(refusal("2px"), "`2px` is not a number: it has other characters than digits");
    assert_eq!(refusal("1/0"), "division by zero");
    assert_eq!(refusal("9**9**9"), "the result of `**` is too large");
    assert_eq!(refusal("(-8)**0.5"), "the result of `**` is not a real number");
    assert_eq!(refusal("'a'*3"), "`*` works on numbers only");
    assert_eq!(refusal("'a"), "the string has no closing quote");
    assert_eq!(refusal("__import__('os')"), {
        "found `__import__` where a number, True, False, None or a quoted string should be"
    });
    assert_eq!(literal("1 + (2 / 0)").expect_err("division").at(), Some(7));
}

#[test]
fn hostile_text_is_refused_without_work() {
    let deep = "(".repeat(100_000);
    assert_eq!(literal(&deep), Err(LiteralError::TooLong { length: 100_000 }));
    assert!(matches!(literal(&deep[..1000]), Err(LiteralError::TooDeep { at: 64 })));
    assert!(matches!(literal(&"-".repeat(1000)), Err(LiteralError::TooDeep { .. })));
    assert!(matches!(literal(&"2**".repeat(1000)), Err(LiteralError::TooDeep { .. })));
    let long = format!("0{}", "+1".repeat(30_000));
    assert_eq!(literal(&long), Ok(Literal::Int(30_000)));
}

fn json(literal: &Literal) -> serde_json::Value {
    match literal {
        Literal::None => serde_json::Value::Null,
        Literal::Bool(truth) => (*truth).into(),
        Literal::Int(value) => i64::try_from(*value).expect("the golden's lists hold small numbers").into(),
        Literal::Float(value) => (*value).into(),
        Literal::Str(text) => text.as_str().into(),
        Literal::List(items) => items.iter().map(json).collect(),
    }
}

/// Made by `tests/golden/python_values.py` with CPython 3.
#[test]
fn values_equal_cpythons() {
    let golden = include_str!("../../tests/golden/python_values.tsv");
    let (mut equal, mut refused) = (0, 0);
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        let (expression, expected) = line.split_once('\t').expect("two columns");
        let got = literal(expression);
        let same = match (&got, expected.split_once(' ')) {
            (Err(_), None) => expected == "error",
            (Ok(Literal::Int(value)), Some(("int", python))) => value.to_string() == python,
            (Ok(Literal::Float(value)), Some(("float", python))) => {
                python.parse::<f64>().is_ok_and(|python| python.to_bits() == value.to_bits())
            }
            (Ok(value), Some(("json", python))) => {
                serde_json::from_str::<serde_json::Value>(python).is_ok_and(|python| python == json(value))
            }
            _ => false,
        };
        assert!(same, "{expression} gives {got:?}, CPython: {expected}");
        *(if got.is_ok() { &mut equal } else { &mut refused }) += 1;
    }
    assert!(equal >= 800 && refused >= 75, "{equal} equal, {refused} refused");
}

/// An expression and its value computed here, by the structure it was made from.
fn expression() -> impl Strategy<Value = (String, f64)> {
    let leaf = prop_oneof![
        (0u32..10_000).prop_map(|value| (value.to_string(), f64::from(value))),
        (0.001f64..1000.0).prop_map(|value| (format!("{value:?}"), value)),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        (inner.clone(), prop_oneof![Just("+"), Just("-"), Just("*"), Just("/")], inner).prop_map(
            |((left, a), operator, (right, b))| {
                let value = match operator {
                    "+" => a + b,
                    "-" => a - b,
                    "*" => a * b,
                    _ => a / b,
                };
                (format!("({left} {operator} {right})"), value)
            },
        )
    })
}

proptest! {
    #[test]
    fn arithmetic_follows_the_structure_of_the_expression((text, value) in expression()) {
        match number(&text) {
            // Whole numbers are exact here and floats in the model: equal up to the model's rounding.
            Ok(got) => prop_assert!((got - value).abs() <= value.abs() * 1e-12 + 1e-12, "{text}: {got} {value}"),
            Err(LiteralError::DivisionByZero { .. } | LiteralError::Result { .. }) => {}
            Err(error) => prop_assert!(false, "{text}: {error}"),
        }
    }

    #[test]
    fn what_is_written_is_read_back(literals in prop::collection::vec(any_literal(), 0..6)) {
        let list = Literal::List(literals);
        prop_assert_eq!(literal(&list.to_string()), Ok(list));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        let _ = literal(&text);
    }

    #[test]
    fn no_text_that_looks_like_a_literal_makes_it_panic(text in "[-+*/%().,0-9eExX_'\" \\\\\\[\\]TN]{0,60}") {
        let result = literal(&text);
        if let Some(at) = result.err().and_then(|error| error.at()) {
            prop_assert!(at <= text.len() && text.is_char_boundary(at));
        }
    }
}

fn any_literal() -> impl Strategy<Value = Literal> {
    let leaf = prop_oneof![
        Just(Literal::None),
        any::<bool>().prop_map(Literal::Bool),
        any::<i64>().prop_map(|value| Literal::Int(value.into())),
        prop::num::f64::NORMAL.prop_map(Literal::Float),
        "\\PC{0,8}".prop_map(Literal::Str),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Literal::List))
}
