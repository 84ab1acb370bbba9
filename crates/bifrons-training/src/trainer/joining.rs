//! Networks that begin with what another one has learnt, and people who join one.

use bifrons_net::{Adam, Decoder, Device, Hourglass, Module as _, Preset, weights};
use bifrons_project::Checkpoint;

use super::{Trainer, UNHEARD, load_net};
use crate::{CheckpointMeta, TrainingError};

impl Trainer {
    /// A new network with the encoder of another one, which has learnt what faces do.
    ///
    /// # Errors
    /// As [`resume`](Self::resume); [`TrainingError::Net`] when the encoders are of different shapes.
    pub fn with_encoder_of(
        checkpoint: &Checkpoint,
        preset: Preset,
        people: Vec<String>,
        seed: u64,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let (other, _) = load_net(checkpoint, device)?;
        let mut trainer = Self::new(preset, people, seed, device);
        trainer.graft(other, |_| None)?;
        Ok(trainer)
    }

    /// The network as it was saved, with decoders for more people; those begin anew, as the optimiser does.
    ///
    /// # Errors
    /// As [`resume`](Self::resume).
    pub fn resume_with(
        checkpoint: &Checkpoint,
        people: Vec<String>,
        device: &Device,
    ) -> Result<Self, TrainingError> {
        let (mut other, meta) = load_net(checkpoint, device)?;
        let mut known: Vec<_> = meta.people.iter().zip(other.decoders.drain(..)).collect();
        let mut trainer = Self::new(meta.preset.clone(), people.clone(), meta.seed, device);
        trainer.graft(other, |person| {
            let place = known.iter().position(|(name, _)| **name == people[person])?;
            Some(known.swap_remove(place).1)
        })?;
        trainer.iteration = checkpoint.step();
        let begun_at = trainer.iteration;
        // of somebody who joins nothing is known yet
        let of = |values: &[f64], name: &String| {
            let place = meta.people.iter().position(|known| known == name);
            place.and_then(|place| values.get(place)).copied().unwrap_or(UNHEARD)
        };
        let losses = people.iter().map(|name| of(&meta.losses, name)).collect();
        let lowest_losses = people.iter().map(|name| of(&meta.lowest_losses, name)).collect();
        let held_out = Vec::new();
        trainer.meta =
            CheckpointMeta { people, begun_at, losses, lowest_losses, held_out, sharpening: None, ..meta };
        trainer.adam = Adam::new(&trainer.meta.schedule());
        Ok(trainer)
    }

    /// Takes over the encoder of another network, and its decoders for the people that `decoder` knows.
    fn graft(
        &mut self,
        other: Hourglass,
        mut decoder: impl FnMut(usize) -> Option<Decoder>,
    ) -> Result<(), TrainingError> {
        let fresh = self.net();
        let own = fresh.clone().decoders.into_iter().enumerate();
        let decoders = own.map(|(person, own)| decoder(person).unwrap_or(own)).collect();
        let both = weights::to_safetensors(&Hourglass { encoder: other.encoder, decoders })?;
        // through the file's form: weights change, the numbers that the optimiser knows them by do not
        let net = weights::from_safetensors(fresh.clone(), &both)?;
        self.average = self.average.as_ref().map(|_| net.valid());
        self.net = Some(net);
        Ok(())
    }

    /// Lets one decoder alone learn: whoever else is drawn is drawn as before, to the last bit.
    ///
    /// # Errors
    /// [`TrainingError::Unknown`].
    pub fn learn_only(&mut self, person: &str) -> Result<(), TrainingError> {
        let Some(place) = self.meta.people.iter().position(|name| name == person) else {
            let (person, known) = (person.to_owned(), self.meta.people.join(", "));
            return Err(TrainingError::Unknown { person, known });
        };
        self.learning = vec![place];
        // what no longer learns stays as it draws: the mean
        if let Some(average) = self.average.clone() {
            let learning = self.net().decoders[place].clone();
            let mut others = average.decoders.clone().into_iter().map(Some).collect::<Vec<_>>();
            others[place] = Some(learning);
            self.graft(average.clone(), |person| others[person].take())?;
            self.average = Some(average);
        }
        Ok(())
    }
}
