use super::*;

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
