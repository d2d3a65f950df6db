//! What is printed of texts that others made for terminals.

use super::{
    Failure, commands::Commands, list, logs::Lines, plan, print, show, table, testing, words,
};
use crate::client::{Client, ClientError, LogLine, Problem, api::SweepDetail};
use floodgauge_protocol::text::{escaped, is_hidden};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What a command reads of a server's answer.
fn read<T: DeserializeOwned>(body: &Value) -> T {
    let client = Client::new("http://127.0.0.1/".parse().unwrap()).unwrap();
    client.with_texts(escaped).read(&body.to_string()).unwrap()
}

/// Texts as they come, and such as do something to a terminal.
fn text() -> impl Strategy<Value = String> {
    let made = [
        "\u{1b}[2J",
        "\u{1b}]0;x\u{7}",
        "\u{1b}[31m",
        "\u{9b}1m",
        "\u{202e}",
        "\r\n",
        "\u{85}",
        "\t",
    ];
    let part = prop_oneof![
        any::<String>(),
        any::<char>().prop_map(String::from),
        prop::sample::select(made.to_vec()).prop_map(String::from),
    ];
    prop::collection::vec(part, 1..4).prop_map(|parts| parts.concat())
}

/// Everything that commands print of a sweep all of whose texts are this one.
fn printed(text: &str) -> Vec<String> {
    let arm = json!({ "arm": 0, "name": text, "method": "plain", "b": null, "parameter": null });
    let with_arm = |more: Value| {
        let mut item = arm.clone();
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item
    };
    let best = json!({
        "metric": "val_loss", "at": "last",
        "best": with_arm(json!({ "weight_decay": 0.0, "objective": 1.0, "probability": 0.5, "test": null })),
        "baseline": { "objective": 1.0, "test": null },
        "difference": null,
        "run_equivalents": { "spent": 1.0, "full_grid": 2.0, "saved_by_sharing": 0.0,
                             "saved_by_pruning": 0.0, "redone": 0.0 },
        "advice": { "kind": "more_seeds", "seeds": 2, "levels": [], "epochs": null,
                    "command": text, "words": text },
        "sentence": text, "points": [text], "against": [text], "verdict": text
    });
    let mut body = serde_json::to_value(testing::sweep(&[(0, 0.0)])).unwrap();
    for field in ["name", "dataset", "replay_error", "waits_for", "metric_unit"] {
        body[field] = json!(text);
    }
    body["troubled_workers"] =
        json!([{ "worker": text, "message": text, "next_try_at": "2026-01-01T12:00:00Z" }]);
    body["waiting"] = json!({ "for": "worker", "words": text, "remedy": text, "wants_worker": true,
                "transient": true, "backoff_s": null });
    body["progress"] = json!({ "phase": text, "spent": 1.0, "planned": 2.0, "pruned": 0.0,
                               "elapsed_s": null, "left_s": null });
    body["best"] = best.clone();
    body["arms_list"] = json!([arm]);
    body["stages"][0]["name"] = json!(text);
    let sweep: SweepDetail = read(&body);
    let trial = with_arm(json!({
        "id": "019b76da-a800-7000-8000-000000000000.0.0", "family": 0, "seed": 0,
        "weight_decay": 0.0, "status": "pruned", "epochs": 1, "onset_step": null,
        "objective": 1.0, "reason": text, "checkpoint": null
    }));
    let line = json!({ "kind": text, "text": text, "reason": text, "arms": [], "tone": "plain", "news": true });
    let line: LogLine = read(&line);
    let planned = json!({
        "name": text, "scheduler": "halving", "scheduler_version": 3, "arms": 1, "seeds": 1,
        "epochs": 9, "steps_per_epoch": 20, "rungs": [9], "arms_list": [arm],
        "families": [{ "family": 0, "seed": 0, "weight_decay": 0.0 }],
        "run_equivalents": { "low": 1.0, "high": 1.0, "full_grid": 1.0, "phases": [
            { "words": text, "epochs": 9, "arms": 1, "families": 1 }
        ] },
        "time": null, "noise_floor": null, "warnings": [text],
        "spec": { "name": "x", "recipe": { "dataset": { "name": "digits" } } }
    });
    let cell =
        with_arm(json!({ "seeds": 1, "metrics": {}, "test_loss": null, "test_error": null }));
    let of_paper = json!({
        "sweep": "01970000-0000-7000-8000-000000000000", "status": "completed", "metric": "val_loss",
        "metrics": [], "rows": [{ "early_stopping": false, "weight_decay": 0.0, "without": cell,
                                  "with": null, "others": [] }]
    });
    let problem = json!({ "type": text, "title": text, "status": 422, "detail": text,
                          "errors": [{ "pointer": text, "detail": text }] });
    let refused = ClientError::Refused(read::<Problem>(&problem));
    let unclear = ClientError::Unclear { server: text.into(), reason: text.into() };
    let mut taken = best.clone();
    taken["sweep"] = json!("01970000-0000-7000-8000-000000000000");
    taken["status"] = json!("completed");
    taken["paste"] = json!({ "line": text, "learning_rate": 0.1, "weight_decay": 0.0, "epochs": 1,
                             "words": text });
    let best = read(&best);
    let mut lines = Lines { width: Some(60), day: None };
    vec![
        print::fitted(&[list::row(&sweep.summary)], &[], false, Some(60)),
        print::fitted(&[show::row(&read(&trial))], &[], true, Some(60)),
        words::answer(&best, &sweep, &Commands::default()),
        words::card(&read(&taken), &sweep, &Commands::default()),
        words::so_far(sweep.progress.as_ref().unwrap()),
        words::waits(sweep.waiting.as_ref().unwrap()),
        words::halted(&sweep).unwrap(),
        words::troubles(&sweep, "2026-01-01T12:00:00Z".parse().unwrap()).join("\n"),
        words::news(&line),
        lines.set("2026-01-01T12:00:00Z".parse().unwrap(), &line),
        plan::card(&read(&planned)),
        table::set_out(&read(&of_paper)),
        print::complaint(&Failure::from(refused)),
        print::complaint(&Failure::from(unclear)),
        print::complaint(&Failure::BadInput(text.into())),
    ]
}

fn is_hidden_within_a_line(c: char) -> bool {
    is_hidden(c) && c != '\n'
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_that_is_printed_of_any_text_does_anything_to_a_terminal(text in text()) {
        // With them no sequence could be told from ours.
        console::set_colors_enabled(false);
        console::set_colors_enabled_stderr(false);
        for shown in printed(&text) {
            prop_assert!(!shown.contains(is_hidden_within_a_line), "{:?}", shown);
            prop_assert_eq!(&print::plain(&shown), &shown);
        }
        let body = json!({ "name": text, "of": [text] });
        let shown = floodgauge_protocol::text::escaped_json(&body.to_string()).into_owned();
        prop_assert!(!shown.contains(is_hidden), "{:?}", shown);
        prop_assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), body);
        let shown = print::plain(&text).replace("\u{1b}[31m", "");
        prop_assert!(!shown.contains(is_hidden_within_a_line), "{:?}", shown);
    }
}
