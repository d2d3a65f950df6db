//! Submits a small sweep, follows it to its end, and reads the best b.

use floodgauge_client::{
    Client, ClientError,
    protocol::{
        Augment, Dataset, DatasetName, Levels, Model, Optimizer, Recipe, SchedulerSpec, Search,
        SweepSpec,
    },
};
use futures::{StreamExt as _, pin_mut};

/// The flood level at which a small network generalises best on a few digits, a fifth of them labelled
/// wrongly; none if plain training does better than with any.
pub async fn find_b(client: &Client) -> Result<Option<f64>, ClientError> {
    let digits = Dataset {
        label_noise: 0.2,
        n_train: Some(200),
        n_val: Some(200),
        ..Dataset::named(DatasetName::Digits)
    };
    let recipe = Recipe {
        dataset: digits,
        model: Model::Mlp { hidden: vec![64, 64], batch_norm: false },
        optimizer: Optimizer::default(),
        augment: Augment::default(),
        batch_size: 20,
        epochs: 30,
    };
    let sweep = SweepSpec {
        name: "digits".into(),
        recipe,
        search: Search { levels: Levels::List(vec![0.5, 0.7, 0.9]), ..Search::default() },
        scheduler: SchedulerSpec::default(),
    };
    let sweep = client.submit(&sweep, None).await?.value.summary.id;

    let entries = client.events(sweep, 0);
    pin_mut!(entries);
    while let Some(entry) = entries.next().await {
        let entry = entry?.value;
        println!("{:>4} {}", entry.seq, entry.name());
    }

    let answer = client.best(sweep).await?.value.best;
    println!("{}", answer.verdict);
    Ok(answer.best.and_then(|best| best.arm.b))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = std::env::args().nth(1).unwrap_or("http://127.0.0.1:7878/".into());
    let mut client = Client::new(server.parse()?)?;
    let token = std::env::var("FLOODGAUGE_TOKEN").unwrap_or_default();
    if !token.is_empty() {
        client = client.with_token(token);
    }
    match find_b(&client).await? {
        Some(b) => println!("the best b is {b}"),
        None => println!("plain training is best"),
    }
    Ok(())
}
