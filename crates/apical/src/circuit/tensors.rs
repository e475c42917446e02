//! `Tensors`: one matrix per synaptic projection. Weights, their low-passed changes Delta and Updates have this shape.

use crate::kernels::{Mat, Real};

/// The six kinds of synapse, by the names that files and metrics use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Forward, W^PP_{k,k-1}.
    Wpp,
    /// Forward bias weights b_k.
    Bpp,
    /// Feedback, W^PP_{k,k+1}.
    Wpb,
    /// Pyramidal cell to interneuron, W^IP_{k,k}.
    Wip,
    /// Interneuron bias weights b^I_k.
    Bip,
    /// Interneuron to pyramidal cell, W^PI_{k,k}.
    Wpi,
}

impl Kind {
    /// All kinds, in the order of files.
    pub const ALL: [Kind; 6] = [Kind::Wpp, Kind::Bpp, Kind::Wpb, Kind::Wip, Kind::Bip, Kind::Wpi];

    /// The name's stem: tensor k of the kind is called `stem.k`.
    pub fn stem(self) -> &'static str {
        match self {
            Kind::Wpp => "Wpp",
            Kind::Bpp => "bpp",
            Kind::Wpb => "Wpb",
            Kind::Wip => "Wip",
            Kind::Bip => "bip",
            Kind::Wpi => "Wpi",
        }
    }
}

/// One matrix (post, pre) per projection; entry k - 1 of a list belongs to layer k. Bias lists are empty without biases;
/// bias weights are n x 1.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Tensors<T> {
    /// Forward into layer k: n_k x n_{k-1}; N of them.
    pub pp: Vec<Mat<T>>,
    /// Bias of layer k: n_k x 1.
    pub bpp: Vec<Mat<T>>,
    /// Feedback onto hidden layer k: n_k x n_{k+1}; N - 1 of them.
    pub pb: Vec<Mat<T>>,
    /// Layer k to its interneurons: n_{k+1} x n_k.
    pub ip: Vec<Mat<T>>,
    /// Bias of the interneurons of layer k: n_{k+1} x 1.
    pub bip: Vec<Mat<T>>,
    /// Interneurons of layer k to its pyramidal cells: n_k x n_{k+1}.
    pub pi: Vec<Mat<T>>,
}

impl<T: Real> Tensors<T> {
    /// Zeros for a net of these sizes (input first), with or without biases.
    pub fn zeros(sizes: &[usize], biases: bool) -> Self {
        let depth = sizes.len() - 1;
        let hidden = 1..depth;
        Tensors {
            pp: (1..=depth).map(|k| Mat::zeros(sizes[k], sizes[k - 1])).collect(),
            bpp: if biases { (1..=depth).map(|k| Mat::zeros(sizes[k], 1)).collect() } else { Vec::new() },
            pb: hidden.clone().map(|k| Mat::zeros(sizes[k], sizes[k + 1])).collect(),
            ip: hidden.clone().map(|k| Mat::zeros(sizes[k + 1], sizes[k])).collect(),
            bip: if biases { hidden.clone().map(|k| Mat::zeros(sizes[k + 1], 1)).collect() } else { Vec::new() },
            pi: hidden.map(|k| Mat::zeros(sizes[k], sizes[k + 1])).collect(),
        }
    }

    /// Only the given kinds: the lists of the others become empty.
    pub fn only(mut self, kinds: &[Kind]) -> Self {
        for kind in Kind::ALL.into_iter().filter(|k| !kinds.contains(k)) {
            self.list_mut(kind).clear();
        }
        self
    }

    /// The list of one kind.
    pub fn kind(&self, kind: Kind) -> &[Mat<T>] {
        match kind {
            Kind::Wpp => &self.pp,
            Kind::Bpp => &self.bpp,
            Kind::Wpb => &self.pb,
            Kind::Wip => &self.ip,
            Kind::Bip => &self.bip,
            Kind::Wpi => &self.pi,
        }
    }

    /// The list of one kind, to change.
    pub fn kind_mut(&mut self, kind: Kind) -> &mut [Mat<T>] {
        self.list_mut(kind)
    }

    pub(crate) fn list_mut(&mut self, kind: Kind) -> &mut Vec<Mat<T>> {
        match kind {
            Kind::Wpp => &mut self.pp,
            Kind::Bpp => &mut self.bpp,
            Kind::Wpb => &mut self.pb,
            Kind::Wip => &mut self.ip,
            Kind::Bip => &mut self.bip,
            Kind::Wpi => &mut self.pi,
        }
    }

    /// Every tensor with its name (`Wpp.1`), in the order of files.
    pub fn named(&self) -> impl Iterator<Item = (String, &Mat<T>)> {
        Kind::ALL.into_iter().flat_map(move |kind| {
            self.kind(kind).iter().enumerate().map(move |(k, m)| (format!("{}.{}", kind.stem(), k + 1), m))
        })
    }

    /// Every tensor with its name, to change.
    pub fn named_mut(&mut self) -> impl Iterator<Item = (String, &mut Mat<T>)> {
        let Tensors { pp, bpp, pb, ip, bip, pi } = self;
        [pp, bpp, pb, ip, bip, pi].into_iter().zip(Kind::ALL).flat_map(|(list, kind)| {
            list.iter_mut().enumerate().map(move |(k, m)| (format!("{}.{}", kind.stem(), k + 1), m))
        })
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Mat<T>> {
        let (stem, layer) = name.split_once('.')?;
        let kind = Kind::ALL.into_iter().find(|k| k.stem() == stem)?;
        self.kind(kind).get(layer.parse::<usize>().ok()?.checked_sub(1)?)
    }

    /// self += other, entry by entry.
    pub fn add(&mut self, other: &Self) {
        for kind in Kind::ALL {
            for (a, b) in self.kind_mut(kind).iter_mut().zip(other.kind(kind)) {
                for (a, &b) in a.data.iter_mut().zip(&b.data) {
                    *a += b;
                }
            }
        }
    }

    /// All entries = 0.
    pub fn clear(&mut self) {
        for kind in Kind::ALL {
            for m in self.kind_mut(kind) {
                m.data.fill(T::ZERO);
            }
        }
    }
}
