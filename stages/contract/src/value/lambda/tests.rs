use super::*;
use proptest::prelude::*;

fn call(text: &str, epoch: u64, lr: f64) -> f64 {
    Lambda::parse(text)
        .and_then(|lambda| lambda.call(epoch, lr))
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_users_manuals_example_is_read() {
    let text = "lambda epoch, lr:\n   (0.0005*epoch + 0.00001) if epoch < 20\n   else (0.01 if epoch < 50\n   \
                else (lr / (1 + 0.0005 * epoch)\n))";
    assert_eq!(call(text, 0, 0.5), 1e-05);
    assert_eq!(call(text, 19, 0.5), 0.00951);
    assert_eq!(call(text, 20, 0.5), 0.01);
    assert_eq!(call(text, 50, 0.01), 0.01 / (1.0 + 0.0005 * 50.0));
}

/// What `tests/golden/schedules.py` calls this outcome.
fn name(outcome: &Result<f64, LambdaError>) -> &'static str {
    match outcome {
        Ok(_) => "a number",
        Err(LambdaError::Arithmetic { fault, .. }) => match fault {
            Fault::ZeroDivision => "ZeroDivisionError",
            Fault::Overflow => "OverflowError",
            Fault::Domain => "ValueError",
            Fault::Fraction => "TypeError",
            Fault::Wide => "Wide",
            Fault::Complex => "Complex",
        },
        // Python counts arguments only when it calls.
        Err(LambdaError::Arity { .. }) => "TypeError",
        Err(LambdaError::Result { .. }) => "Result",
        Err(_) => "Refused",
    }
}

/// Made by `tests/golden/schedules.py` with CPython 3.
#[test]
fn results_equal_cpythons() {
    let golden = include_str!("../../../tests/golden/schedules.tsv");
    let (mut numbers, mut wrong) = (0, Vec::new());
    for line in golden.lines().filter(|line| !line.starts_with('#')) {
        let [text, epoch, lr, expected] =
            line.split('\t').collect::<Vec<_>>().try_into().expect("four columns");
        let (epoch, lr) = (epoch.parse().expect("an epoch"), lr.parse().expect("a rate"));
        let got = Lambda::parse(&text.replace("\\n", "\n")).and_then(|lambda| lambda.call(epoch, lr));
        let equal = match (&got, expected.split_once(' ')) {
            (Ok(value), Some((how, python))) => {
                numbers += 1;
                let units = value.to_bits().abs_diff(python.parse::<f64>().expect("a number").to_bits());
                units <= u64::from(how == "~")
            }
            (got, _) => name(got) == expected,
        };
        if !equal {
            wrong.push(format!("{text} at {epoch}, {lr} gives {got:?}, in CPython {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(numbers >= 700, "{numbers}");
}

#[test]
fn parameters_may_have_any_names_and_the_second_may_be_missing() {
    assert_eq!(call("lambda e: 0.1 / (1 + e)", 3, 0.5), 0.025);
    assert_eq!(call("lambda e, math: math * e", 3, 0.5), 1.5);
    assert_eq!(call("lambda λ_1, min: min", 3, 0.5), 0.5);
}

#[test]
fn it_prints_itself_in_one_line() {
    let lambda = Lambda::parse("  lambda epoch,\n\tlr :\n   lr\n   if epoch<5 else  lr/2\n").expect("legal");
    assert_eq!(lambda.to_string(), "lambda epoch, lr : lr if epoch<5 else lr/2");
}

/// Position, message and help of a refusal of `lambda epoch, lr: {expression}`, the position in the expression.
fn refusal(expression: &str) -> (usize, String, String) {
    let head = "lambda epoch, lr: ";
    let error = Lambda::parse(&format!("{head}{expression}")).expect_err(expression);
    let help = error.help().unwrap_or_default();
    (error.at().unwrap_or_default().saturating_sub(head.len()), error.to_string(), help)
}

#[test]
fn refusals_say_what_stands_where_and_what_is_legal() {
    let cases = [
        (
            "np.exp(-epoch)",
            0,
            "`np.exp` is not known in a schedule",
            "did you mean `math.exp`? a schedule is",
        ),
        ("lr * sqrt(2)", 5, "`sqrt` is not known in a schedule", "did you mean `math.sqrt`? "),
        ("0.1 * epochs", 6, "`epochs` is not known in a schedule", "did you mean `epoch`? "),
        (
            "math.cosine(1)",
            0,
            "`math.cosine` is not known in a schedule",
            "a schedule is `lambda epoch, lr: ",
        ),
        ("lr.numpy()", 0, "`lr.numpy` is not known in a schedule", "a schedule is"),
        ("open('x')", 0, "`open` is not known in a schedule", "a schedule is"),
        ("lr if epoch < 5", 15, "found the end where an operator or `else` should be", "a schedule is"),
        (
            "lr if epoch = 5 else 1",
            12,
            "found `=` where an operator or `else` should be",
            "`=` assigns, `==` ",
        ),
        ("(lr", 3, "found the end where an operator or `)` should be", "a schedule is"),
        ("lr)", 2, "found `)` where an operator or the end should be", "a schedule is"),
        ("lr * ", 5, "found the end where a value should be", "a schedule is"),
        ("lr ^ 2", 3, "found `^` where an operator or the end should be", "write `and`, `or`, `not` for"),
        ("lr # half", 3, "found `#` where an operator or the end should be", "newlines count as blanks"),
        (
            "epoch > 5 ? 1 : 2",
            10,
            "found `?` where an operator or the end should be",
            "write `a if condition ",
        ),
        ("None", 0, "found `None` where a value should be", "every branch has to give a number; "),
        ("math.exp", 8, "found the end where `(` after `math.exp` should be", "a schedule is"),
        ("math.exp()", 0, "`math.exp` takes one number, found 0", ""),
        ("round(1, 2, 3)", 0, "`round` takes one or two numbers, found 3", ""),
        ("min(lr)", 0, "`min` takes two or more numbers, found 1", ""),
        ("2px * lr", 0, "`2px` is not a number: it has other characters than digits", "a schedule is"),
    ];
    for (expression, at, message, help) in cases {
        let got = refusal(expression);
        assert_eq!((got.0, got.1.as_str()), (at, message), "{expression}");
        assert!(got.2.starts_with(help) && help.is_empty() == got.2.is_empty(), "{expression}: {}", got.2);
    }
    assert_eq!(
        refusal("x").2,
        "a schedule is `lambda epoch, lr: expression`; legal are the parameters, numbers, + - * / // % **, \
         parentheses, `a if condition else b`, < <= == != >= >, and, or, not, min max abs round int float math.exp \
         math.pow math.sqrt math.log math.log2 math.log10 math.cos math.sin math.tan math.floor math.ceil math.pi math.e"
    );
}

#[test]
fn what_is_no_lambda_is_refused_at_its_start() {
    let refusal = |text: &str| {
        let error = Lambda::parse(text).expect_err(text);
        (error.at(), error.to_string())
    };
    let at = |at: usize, message: &str| (Some(at), message.to_owned());
    assert_eq!(refusal("def f(epoch, lr): return lr"), at(0, "found `def` where `lambda` should be"));
    assert_eq!(refusal("0.1 * epoch"), at(0, "found `0.1` where `lambda` should be"));
    assert_eq!(refusal(""), at(0, "found the end where `lambda` should be"));
    assert_eq!(refusal("lambda epoch lr: 1"), at(13, "found `lr` where `,` and a name, or `:` should be"));
    assert_eq!(refusal("lambda epoch, lr=1: 1"), at(16, "found `=` where `,` and a name, or `:` should be"));
    assert_eq!(refusal("lambda *a: 1"), at(7, "found `*` where the name of a parameter should be"));
    assert_eq!(refusal("lambda if: 1"), at(7, "found `if` where the name of a parameter should be"));
    let all = "a schedule has one or two parameters, as in `lambda epoch, lr:`";
    assert_eq!(refusal("lambda: 1"), at(6, &format!("found no parameters: {all}")));
    assert_eq!(refusal("lambda a, b, c: 1"), at(7, &format!("found 3 parameters: {all}")));
    assert_eq!(refusal("lambda a, a: 1"), at(10, &format!("`a` stands there twice: {all}")));
}

#[test]
fn failed_calls_show_the_operation_with_its_values() {
    let failure = |expression: &str| {
        let text = format!("lambda epoch, lr:\n  {expression}");
        let error = Lambda::parse(&text).and_then(|lambda| lambda.call(3, 0.5)).expect_err(expression);
        (error.at().map(|at| at - 20), error.to_string())
    };
    let at = |at: usize, message: &str| (Some(at), message.to_owned());
    assert_eq!(failure("lr / (epoch - 3)"), at(3, "`0.5 / 0` divides by zero"));
    assert_eq!(failure("1 + math.log(-lr)"), at(4, "`math.log(-0.5)` has no value there"));
    assert_eq!(failure("2 ** (epoch + 200)"), at(2, "`2 ** 203` gives a whole number of more than 127 bits"));
    assert_eq!(failure("(-lr) ** 0.5"), at(6, "`(-0.5) ** 0.5` gives a complex number"));
    assert_eq!(
        failure("math.exp(1000)"),
        at(0, "`math.exp(1000)` gives more than a number can hold, 1.8e308")
    );
    assert_eq!(failure("round(lr, 0.5)"), at(0, "`round(0.5, 0.5)` wants a whole number of digits"));
    assert_eq!(failure("epoch < 5"), (None, "the result is True, which is not a finite number".to_owned()));
    assert_eq!(
        failure("lr * 1e308 * 1e3"),
        (None, "the result is inf, which is not a finite number".to_owned())
    );
}

#[test]
fn hostile_text_is_refused_without_work_and_long_text_is_not_deep() {
    let parse = |body: &str| Lambda::parse(&format!("lambda epoch, lr: {body}"));
    let deep = |open: &str| parse(&open.repeat(2000)).expect_err(open);
    for open in ["(", "-", "not ", "2**", "min(", "1 if (", "2**-("] {
        let error = deep(open);
        assert!(matches!(error, LambdaError::TooDeep { .. }), "{open}: {error}");
    }
    assert!(matches!(parse(&"(".repeat(70_000)), Err(LambdaError::TooLong { .. })));
    assert!(Lambda::parse(&"(".repeat(60_000)).is_err());
    for (long, value) in [("1 + ", 1.0), ("0 or ", 1.0), ("1 and ", 1.0), ("2 if epoch > 9 else ", 1.0)] {
        let text = format!("{}1", long.repeat(3000));
        let expected = if long == "1 + " { 3001.0 } else { value };
        assert_eq!(parse(&text).and_then(|lambda| lambda.call(0, 0.1)), Ok(expected), "{long}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,80}", epoch in any::<u64>(), lr in any::<f64>()) {
        check_any_text(&text, epoch, lr)?;
    }

    #[test]
    fn no_text_that_looks_like_a_schedule_makes_it_panic(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..40),
        blank in prop::sample::select(vec!["", " ", "\n"]),
        epoch in any::<u64>(),
        lr in any::<f64>(),
    ) {
        check_any_text(&format!("lambda epoch, lr: {}", words.join(blank)), epoch, lr)?;
        check_any_text(&words.join(blank), epoch, lr)?;
    }

    #[test]
    fn what_is_written_is_read_back(
        words in prop::collection::vec(prop::sample::select(VALUES.to_vec()), 1..6),
        operators in prop::collection::vec(prop::sample::select(OPERATORS.to_vec()), 6),
        epoch in 0u64..300,
    ) {
        let expression: String = words.iter().zip(&operators).map(|(word, operator)| format!("{word}\n {operator} ")).collect();
        let lambda = Lambda::parse(&format!("lambda epoch, lr: {expression} 1")).expect("operators between values");
        let again = Lambda::parse(&lambda.to_string()).expect("what was printed");
        prop_assert_eq!(again.to_string(), lambda.to_string());
        match (again.call(epoch, 0.01), lambda.call(epoch, 0.01)) {
            (Ok(one), Ok(other)) => prop_assert_eq!(one.to_bits(), other.to_bits()),
            (one, other) => prop_assert_eq!(name(&one), name(&other)),
        }
    }
}

const VALUES: [&str; 8] = ["epoch", "lr", "1", "0.5", "(2 - lr)", "math.exp(-epoch)", "-3", "True"];
const OPERATORS: [&str; 12] = ["+", "-", "*", "/", "//", "%", "**", "<", "==", "and", "or", "if lr else"];
const WORDS: [&str; 44] = [
    "lambda",
    "epoch",
    "lr",
    ",",
    ":",
    "(",
    ")",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "<",
    "<=",
    "==",
    "!=",
    ">",
    "=",
    "if",
    "else",
    "and",
    "or",
    "not",
    "True",
    "None",
    "0",
    "1",
    "0.5",
    "1e308",
    "9999999999999999999",
    ".",
    "math",
    "exp",
    "math.exp",
    "math.log",
    "round",
    "int",
    "min",
    "[",
    "'",
    "é",
    "#",
];

/// Every outcome is an answer, and a position is one in the text.
fn check_any_text(text: &str, epoch: u64, lr: f64) -> Result<(), TestCaseError> {
    match Lambda::parse(text).and_then(|lambda| lambda.call(epoch, lr)) {
        Ok(value) => prop_assert!(value.is_finite()),
        Err(error) => {
            prop_assert!(error.at().is_none_or(|at| text.is_char_boundary(at)), "{error:?}");
            prop_assert!(!error.to_string().is_empty());
        }
    }
    Ok(())
}
