//! `floodgauge token create`: makes a token and shows its secret, this once.

use crate::{
    access::{Kind, Limits, Scope, Scopes, Secret, check_name},
    cli::{
        Failure,
        commands::Commands,
        print,
        server::{existing_url, open_store},
    },
    config::{Storage, numbers::whole},
    http::tokens::token_item,
    store::{AddedToken, NewToken},
};
use anyhow::Context as _;
use floodgauge_api::access::MadeToken;
use floodgauge_protocol::text;
use std::time::Duration;

/// Make a token and print its secret, which is shown this once
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  floodgauge token create me --scope admin
  floodgauge token create ci --scope submit --expires 90d --max-sweeps 5
  floodgauge token create workers --scope worker --database-url postgres://floodgauge@db/floodgauge")]
pub struct Args {
    /// What people call it
    #[arg(value_parser = name)]
    name: String,
    /// What it may do; may be given several times
    #[arg(long = "scope", value_enum, required = true, value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// After what time it stops working, such as 12h, 90d or 1y; never if unset
    #[arg(long, value_name = "TIME", value_parser = lasting)]
    expires: Option<Duration>,
    /// Requests a second, over a while, instead of the server's --rate-limit
    #[arg(long, value_name = "N", value_parser = whole::<u32>(1..=100_000))]
    rate: Option<u32>,
    /// The most sweeps that it may have submitted and that haven't ended
    #[arg(long, value_name = "N", value_parser = whole::<u32>(0..=1_000_000_000))]
    max_sweeps: Option<u32>,
    /// The most arms of these, each seed and weight decay counted
    #[arg(long, value_name = "N", value_parser = whole::<u32>(0..=1_000_000_000))]
    max_arms: Option<u32>,
    /// The most mebibytes of data sets that it may have uploaded and that are kept
    #[arg(long, value_name = "MIB", value_parser = whole::<u32>(0..=900_000_000))]
    max_upload: Option<u32>,
    /// Print the token and what is stored of it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    storage: Storage,
}

/// Runs `token create`.
///
/// # Errors
/// [`Failure::BadInput`] for a name that is taken; what the database says.
pub async fn run(args: Args) -> Result<(), Failure> {
    let is_new = existing_url(&args.storage).is_err();
    let store = open_store(&args.storage).await?;
    let secret = Secret::new(Kind::Token)?;
    let scopes = Scopes::of(args.scopes).context("no scope")?;
    let new = NewToken {
        lasts: args.expires,
        limits: Limits {
            rate: args.rate,
            open_sweeps: args.max_sweeps,
            arms: args.max_arms,
            upload_bytes: args.max_upload.map(|mib| u64::from(mib) << 20),
        },
        ..NewToken::of(&secret, &args.name, scopes)
    };
    let row = match store.add_token(new).await.context("the token can't be stored")? {
        AddedToken::New(row) => row,
        AddedToken::NameTaken => {
            let message = format!(
                "a token that isn't revoked is called `{0}`: choose another name, or revoke it: {1}",
                args.name,
                Commands::on(&args.storage).line("token revoke NAME"),
            );
            return Err(Failure::BadInput(message));
        }
    };
    if args.json {
        let item = token_item(&row)?;
        let made = MadeToken { token: secret.reveal().into(), item };
        return print::json(&serde_json::to_string(&made).context("the token")?);
    }
    print::out(secret.reveal())?;
    print::note(&format!(
        "keep it: this is shown once ({}: {}); give it to programs in FLOODGAUGE_TOKEN",
        text::escaped(&row.name),
        row.scopes
    ));
    if is_new {
        print::note(&format!(
            "there was no database in {} before: is that the server's folder (--data-dir)?",
            args.storage.data_dir.display()
        ));
    }
    Ok(())
}

fn name(text: &str) -> Result<String, String> {
    check_name(text).map(|()| text.to_owned())
}

/// Reads a number of minutes, hours, days or years.
fn lasting(text: &str) -> Result<Duration, String> {
    let message = || "expected a time such as 30m, 12h, 90d or 1y".to_owned();
    let unit = text.chars().last().ok_or_else(message)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3600,
        'd' => 24 * 3600,
        'y' => 366 * 24 * 3600,
        _ => return Err(message()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| message())?;
    match u64::from(number) * seconds {
        0 => Err(message()),
        seconds if seconds > 100 * 366 * 24 * 3600 => Err("expected at most 100y".into()),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_with_its_unit() {
        assert_eq!(lasting("90d"), Ok(Duration::from_secs(90 * 24 * 3600)));
        assert_eq!(lasting("12h"), Ok(Duration::from_secs(12 * 3600)));
        for bad in ["", "d", "0d", "-1d", "90", "1w", "101y", "9é"] {
            assert!(lasting(bad).is_err(), "{bad}");
        }
    }
}
