//! The engine of [`departures`]: their step, again and again in plain loops.

use super::engine::{Circuit, Engine, Presentation, Teaching, step_by_step};
use crate::circuit::departures::{self, Departures, Room};
use crate::circuit::params::Network;
use crate::circuit::step::Constants;
use crate::kernels::Real;
use crate::solvers::{Observer, Trouble};

/// Steps with departures.
pub struct Departed<T> {
    on: Departures,
    room: Room<T>,
}

impl<T: Real> Departed<T> {
    /// For a net and a batch.
    pub fn new(on: Departures, net: &Network, samples: usize) -> Self {
        Departed { room: Room::new(&on, net, samples), on }
    }
}

impl<T: Real> Engine<T> for Departed<T> {
    fn present(
        &mut self,
        constants: &Constants<T>,
        presentation: &Presentation<'_, T>,
        circuit: Circuit<'_, T>,
        teaching: Teaching<'_, T>,
        output: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<(), Trouble> {
        let Presentation { shown, noise, .. } = presentation;
        let (on, room) = (&self.on, &mut self.room);
        room.begin(circuit.state);
        // What the output expects without a nudge is what it settles at, whatever its rule takes it for.
        let factor = constants.attenuation.output;
        step_by_step(presentation, circuit, teaching, factor, output, observer, |circuit, learning| {
            let Circuit { weights, state, potentials } = circuit;
            departures::step(
                on,
                room,
                constants,
                weights,
                state,
                potentials,
                shown.input,
                shown.target,
                learning,
                noise,
            );
        })
    }
}
