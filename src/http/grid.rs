//! All curves of a sweep in the recorded-grid format: one file that holds every arm's run.

use super::{
    accept,
    access::Asker,
    extract::SweepPath,
    openapi::NoSweep,
    problem::Problem,
    rows::{
        Extent, Rows,
        column::Column,
        pieces,
        sheet::{Array, Part, Sheet, When},
    },
    state::AppState,
    stored, sweeps,
};
use axum::{extract::State, response::Response};
use floodgauge_api::{
    SweepStatus,
    grid::{Grid, GridRecipe},
};
use floodgauge_protocol::{
    ArmIx, Family, Method, MetricName, SearchSpace, SweepId, SweepSpec, TrialKey,
};
use serde::Serialize;
use std::{collections::BTreeSet, sync::Arc};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(grid))
}

/// Get a sweep as a recorded grid
///
/// Of a completed `grid` sweep it is whole; of any other, arrays are as long as their arms
/// were trained.
#[utoipa::path(
    get,
    path = "/v1/sweeps/{id}/grid",
    operation_id = "getGrid",
    tag = "sweeps",
    params(("id" = SweepId, Path, description = "The sweep")),
    responses((status = 200, body = Grid, description = "The grid"), NoSweep)
)]
async fn grid(
    State(state): State<AppState>,
    Asker(asker): Asker,
    SweepPath(sweep): SweepPath,
) -> Result<Response, Problem> {
    let row = sweeps::row(&state, sweep).await?;
    let (spec, space) = (stored::spec(&row)?, stored::space(&row)?);
    let place = state.places.exports.take(asker).await;
    let rows = Rows::of(state.driver.store(), sweep).await?;
    let parts = Plan::of(row.status, spec, space, &rows)
        .parts()
        .map_err(|e| Problem::Internal(e.into()))?;
    pieces::answer(accept::JSON, Sheet::new(rows, parts), place).await
}

/// What a [`Grid`] is made of. Arms and families come as if the sweep had been submitted as it is now,
/// whatever it was extended by.
struct Plan {
    status: SweepStatus,
    spec: SweepSpec,
    arms: Vec<ArmIx>,
    methods: Vec<Method>,
    families: Vec<Family>,
    extents: Arc<[Extent]>,
}

impl Plan {
    fn of(status: SweepStatus, spec: SweepSpec, space: SearchSpace, rows: &Rows) -> Self {
        let whole = SearchSpace::of(&spec);
        let index = |arm: &Method| space.arms.iter().position(|known| known == arm);
        let arms: Vec<ArmIx> =
            whole.arms.iter().filter_map(index).map(|ix| ArmIx(ix as u16)).collect();
        let methods = arms.iter().map(|arm| space.arms[arm.ix()]).collect();
        let same = |family: &Family, wanted: &Family| {
            (family.seed, family.weight_decay) == (wanted.seed, wanted.weight_decay)
        };
        let family = |wanted: &Family| space.families.iter().find(|family| same(family, wanted));
        let families = whole.families.iter().filter_map(family).copied().collect();
        Self { status, spec, arms, methods, families, extents: rows.extents() }
    }

    /// The parts of the grid's JSON, one after another.
    fn parts(self) -> serde_json::Result<impl Iterator<Item = Part>> {
        let whole = serde_json::to_string(&Grid {
            task: self.spec.name.clone(),
            status: Some(self.status),
            spec: Some(self.spec.clone()),
            recipe: flattened(&self.spec),
            levels: self.methods.iter().map(|method| method.level()).collect(),
            arms: self.methods.clone(),
            epochs: self.spec.recipe.epochs,
            runs: vec![],
        })?;
        // Where its runs belong.
        let head = whole.trim_end_matches("]}").to_owned();
        let plan = Arc::new(self);
        let runs = (0..plan.families.len()).flat_map(move |family| run(plan.clone(), family));
        Ok([Part::Open(head)].into_iter().chain(runs).chain([Part::Close("]}")]))
    }

    fn extent(&self, family: usize, arm: ArmIx) -> Option<Extent> {
        let trial = TrialKey::new(self.families[family].family, arm);
        let at = self.extents.binary_search_by_key(&trial, |extent| extent.trial).ok()?;
        Some(self.extents[at])
    }
}

/// The first fields of a [`GridRun`](floodgauge_api::grid::GridRun).
#[derive(Serialize)]
struct RunHead<'a> {
    seed: u32,
    weight_decay: f64,
    steps_per_epoch: u64,
    onset_step: &'a [Option<u64>],
}

/// A [`GridRun`](floodgauge_api::grid::GridRun): the curves of a family, a column of all its arms after
/// the other.
fn run(plan: Arc<Plan>, family: usize) -> impl Iterator<Item = Part> {
    let Family { seed, weight_decay, .. } = plan.families[family];
    let onsets: Vec<_> =
        plan.arms.iter().map(|&arm| plan.extent(family, arm).and_then(|of| of.onset)).collect();
    let steps_per_epoch = plan.spec.recipe.steps_per_epoch();
    let head = RunHead { seed, weight_decay, steps_per_epoch, onset_step: &onsets };
    let metrics = plan.spec.search.metrics();
    let columns = [MetricName::val_loss(), MetricName::val_error()];
    let known = columns.into_iter().filter(|name| metrics.get(*name).is_some());
    let further = metrics.iter().map(|metric| metric.name).filter(|name| !columns.contains(name));
    // By name.
    let further: BTreeSet<_> = further.collect();
    let of_metric = |name: MetricName, column| (format!("\"{name}\":["), column);
    let mut fields = vec![("\"train_loss\":[".to_owned(), Column::TrainLoss)];
    fields.extend(known.map(|name| of_metric(name, Column::MetricOrDiverged(name))));
    let has_further = !further.is_empty();
    let begin = has_further.then(|| Part::Open("\"metrics\":{".into()));
    let end = has_further.then_some(Part::Close("}"));
    let further: Vec<_> =
        further.into_iter().map(|name| of_metric(name, Column::Metric(name))).collect();
    let arms = plan.arms.len();
    let arrays = move |(field, column): (String, Column)| {
        let plan = plan.clone();
        let of_arm = move |arm: usize| {
            let of = plan.extent(family, plan.arms[arm]);
            Part::Array(Array { key: None, of, column, when: When::Always })
        };
        [Part::Open(field)].into_iter().chain((0..arms).map(of_arm)).chain([Part::Close("]")])
    };
    // Numbers can be written, always.
    let head = serde_json::to_string(&head).unwrap_or_default();
    let head = head.trim_end_matches('}').to_owned();
    [Part::Open(head)]
        .into_iter()
        .chain(fields.into_iter().flat_map(arrays.clone()))
        .chain(begin)
        .chain(further.into_iter().flat_map(arrays))
        .chain(end)
        .chain([Part::Close("}")])
}

fn flattened(spec: &SweepSpec) -> GridRecipe {
    let recipe = &spec.recipe;
    let data = recipe.dataset.resolved();
    let weight_decay = match spec.search.weight_decay[..] {
        [only] => Some(only),
        _ => None,
    };
    GridRecipe {
        data: data.name,
        n_train: data.n_train,
        n_val: data.n_val,
        label_noise: data.label_noise,
        model: recipe.model.kind().into(),
        hidden: recipe.model.hidden().to_vec(),
        batch_norm: recipe.model.batch_norm(),
        optimizer: recipe.optimizer.name().into(),
        lr: recipe.optimizer.lr(),
        weight_decay,
        batch_size: recipe.batch_size,
        epochs: recipe.epochs,
    }
}
