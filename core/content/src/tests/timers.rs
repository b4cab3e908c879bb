//! Parameters of timers.

use serde_json::{Value, json};

use crate::timer::check;

fn verdict(name: &str, parameters: Value) -> Result<(), String> {
    let parameters = parameters.as_object().expect("an object").clone();
    check(name, &parameters).map_err(|fault| fault.field)
}

#[test]
fn cron_expressions_are_read_as_the_calendar_allows() {
    for good in [
        json!({"minute": 5}),
        json!({"minute": "*/5"}),
        json!({"second": "0-59/10"}),
        json!({"day": "last"}),
        json!({"day": "2nd fri"}),
        json!({"day": "1st mon, last sun"}),
        json!({"month": "feb-apr", "day_of_week": "mon-fri"}),
        json!({"minute": null}),
        json!({"minute": " 5, 10"}),
        json!({"hour": "5/2"}),
        json!({"minute": 0, "timezone": "UTC"}),
    ] {
        assert_eq!(verdict("st2.CronTimer", good.clone()), Ok(()), "{good}");
    }
    for (bad, field) in [
        (json!({"minute": "61"}), "minute"),
        (json!({"hour": "24"}), "hour"),
        (json!({"hour": "a"}), "hour"),
        (json!({"day": "0"}), "day"),
        (json!({"day": "6th mon"}), "day"),
        (json!({"day": "last xyz"}), "day"),
        (json!({"day_of_week": "funday"}), "day_of_week"),
        (json!({"month": "13"}), "month"),
        (json!({"minute": "*/0"}), "minute"),
        (json!({"minute": "*/100"}), "minute"),
        (json!({"minute": "10-5"}), "minute"),
        (json!({"minute": ""}), "minute"),
    ] {
        assert_eq!(verdict("st2.CronTimer", bad.clone()), Err(field.into()), "{bad}");
    }
}

#[test]
fn timers_that_never_fire_are_refused() {
    let interval =
        |delta: i64| verdict("st2.IntervalTimer", json!({"unit": "days", "delta": delta}));
    assert_eq!(interval(1), Ok(()));
    assert_eq!(interval(0), Err("delta".into()));
    assert_eq!(interval(-5), Err("delta".into()));
    assert_eq!(verdict("st2.DateTimer", json!({"date": "Jan 5 2027 5pm"})), Ok(()));
    assert_eq!(verdict("st2.DateTimer", json!({"date": "nonsense"})), Err("date".into()));
    assert_eq!(verdict("st2.webhook", json!({"url": "x"})), Ok(()));
}
