//! Models as stacks of members.
//!
//! A model is a list of arrays and a way through them: its file declares the arrays and takes an
//! input past them in the same order. All else (stacking, names, initial values, running
//! statistics) is the same for every model, and is here.

mod cnn;
mod layout;
mod mlp;
mod pass;
mod pictures;
mod resnet;

use crate::{
    checkpoint::State,
    stacked::{Statistics, stack},
};
use burn::tensor::{Device, Tensor};
use cnn::Cnn;
use floodgauge_protocol::{Image, Model};
use layout::Arrays;
use mlp::Mlp;
use pass::Pass;
use resnet::Resnet;

pub use layout::Architecture;

/// The way through a model's arrays.
#[derive(Clone, Debug)]
enum Body {
    Mlp(Mlp),
    Cnn(Cnn),
    Resnet(Resnet),
}

/// What a model takes and gives.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// How many numbers a sample has.
    pub dim: usize,
    /// The picture that they are, when they are one.
    pub image: Option<Image>,
    /// How many classes there are: the logits of a sample.
    pub classes: usize,
}

/// Why an [`Architecture`] can't be made: the model wants pictures, and the data are none.
#[derive(Debug, thiserror::Error)]
#[error("{model} wants images, which the data aren't")]
pub struct NoImages {
    /// The kind of model.
    pub model: &'static str,
}

impl Architecture {
    /// The architecture of `model` for `task`.
    ///
    /// # Errors
    /// [`NoImages`].
    pub fn new(model: &Model, task: Task) -> Result<Self, NoImages> {
        let image = || task.image.ok_or(NoImages { model: model.kind() });
        let mut arrays = Arrays::default();
        let body = match model {
            Model::Mlp { hidden, batch_norm } => Body::Mlp(Mlp::declare(
                &mut arrays,
                "layers",
                task.dim,
                hidden,
                task.classes,
                *batch_norm,
            )),
            Model::Cnn { channels, kernel, hidden, batch_norm } => Body::Cnn(Cnn::declare(
                &mut arrays,
                image()?,
                channels,
                *kernel,
                (hidden, task.classes),
                *batch_norm,
            )),
            Model::Resnet { depth, width } => {
                Body::Resnet(Resnet::declare(&mut arrays, image()?, *depth, *width, task.classes))
            }
        };
        Ok(Self { body, arrays })
    }
}

/// Several members of one architecture.
#[derive(Clone, Debug)]
pub struct Network {
    body: Body,
    parameters: Vec<Tensor<3>>,
    running: Vec<Statistics>,
}

impl Network {
    /// Stacks the members of `states`, which hold the arrays of `architecture`.
    pub fn stack(architecture: &Architecture, states: &[State], device: &Device) -> Self {
        let get = |name: &str| stack(states, name, device);
        let parameters = architecture.parameters();
        let running = |[mean, variance]: [(String, _); 2]| Statistics {
            mean: get(&mean.0),
            variance: get(&variance.0),
        };
        Self {
            body: architecture.body.clone(),
            parameters: parameters.iter().map(|(name, _)| get(name)).collect(),
            running: architecture.statistics().into_iter().map(running).collect(),
        }
    }

    /// The logits of `x` (`[1, batch, dim]`) in training, `[K, batch, classes]`, and the
    /// mini-batch's statistics at each batch norm.
    pub fn forward_train(&self, x: Tensor<3>) -> (Tensor<3>, Vec<Statistics>) {
        let mut pass = Pass::training(&self.parameters);
        let logits = self.through(&mut pass, x);
        (logits, pass.seen())
    }

    /// The logits of `x` (`[1, batch, dim]`) in evaluation, `[K, batch, classes]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        self.through(&mut Pass::evaluating(&self.parameters, &self.running), x)
    }

    /// How many numbers come out of the arrays on the way of `x` (`[1, batch, dim]`), all members
    /// together.
    pub fn numbers(&self, x: Tensor<3>) -> usize {
        let mut pass = Pass::evaluating(&self.parameters, &self.running);
        self.through(&mut pass, x);
        pass.numbers()
    }

    fn through(&self, pass: &mut Pass<'_>, x: Tensor<3>) -> Tensor<3> {
        match &self.body {
            Body::Mlp(mlp) => mlp.forward(pass, x),
            Body::Cnn(cnn) => cnn.forward(pass, x),
            Body::Resnet(resnet) => resnet.forward(pass, x),
        }
    }

    /// Samples to evaluate at once: what lies between layers fits some memory.
    pub fn chunk(&self) -> usize {
        match self.body {
            Body::Mlp(_) => 500,
            Body::Cnn(_) | Body::Resnet(_) => 100,
        }
    }

    /// Moves the running statistics by those that [`Network::forward_train`] gave.
    pub fn absorb(&mut self, seen: Vec<Statistics>) {
        self.running.iter_mut().zip(seen).for_each(|(running, seen)| running.absorb(seen));
    }

    /// The same members as leaves of a new autodiff graph.
    pub fn tracked(&self) -> Self {
        let mut model = self.clone();
        for parameter in model.parameters_mut() {
            parameter.inplace(|tensor| tensor.autodiff().require_grad());
        }
        model
    }

    /// The same layers with other `parameters`, in the order of [`Architecture::parameters`], and
    /// perhaps of another number of members: for [`Network::forward_train`] alone, since the
    /// running statistics stay those of this model.
    pub fn at(&self, parameters: Vec<Tensor<3>>) -> Self {
        Self { parameters, ..self.clone() }
    }

    /// The trained tensors, in the order of [`Architecture::parameters`].
    pub fn parameters(&self) -> Vec<&Tensor<3>> {
        self.parameters.iter().collect()
    }

    /// The same, to be changed.
    pub fn parameters_mut(&mut self) -> Vec<&mut Tensor<3>> {
        self.parameters.iter_mut().collect()
    }

    /// Every tensor of the model with its name and one member's shape.
    pub fn named(&self, architecture: &Architecture) -> Vec<(String, Vec<usize>, &Tensor<3>)> {
        let statistics = architecture.statistics().into_iter().flatten();
        let names = architecture.parameters().into_iter().chain(statistics);
        let running = self.running.iter().flat_map(|running| [&running.mean, &running.variance]);
        let tensors = self.parameters.iter().chain(running);
        names.zip(tensors).map(|((name, shape), tensor)| (name, shape, tensor)).collect()
    }
}
