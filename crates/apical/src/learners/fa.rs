//! `fa`: feedback alignment. Errors come back through fixed random weights W^PP_{k,k+1} in place of the transposed forward
//! weights (Lillicrap, Cownden, Tweed & Akerman, Nature Communications 2016).

use super::Update;
use super::feed_forward::Function;
use super::trained::{Algorithm, Teach};
use crate::circuit::Tensors;
use crate::kernels::Real;
use crate::solvers::{Outcome, Trouble};

/// Placeholder.
#[derive(Clone)]
pub struct Fa<T>(Vec<T>);

impl<T: Real> Fa<T> {
    /// Room for a function and a batch.
    pub fn new(_: &Function, _: usize) -> Self {
        unimplemented!()
    }
}

impl<T: Real> Algorithm<T> for Fa<T> {
    fn name(&self) -> &'static str {
        unimplemented!()
    }
    fn reference(&self) -> &'static str {
        unimplemented!()
    }
    fn teach(
        &mut self,
        _: &Tensors<T>,
        _: &Teach<'_, T>,
        _: &mut Update<T>,
        _: &mut Outcome<T>,
    ) -> Result<(), Trouble> {
        unimplemented!()
    }
    fn answer(&self, _: &Tensors<T>, _: &[T], _: usize, _: &mut [T]) -> Result<usize, Trouble> {
        unimplemented!()
    }
    fn copy(&self) -> Box<dyn Algorithm<T>> {
        Box::new(self.clone())
    }
}
