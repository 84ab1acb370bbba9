use bifrons_net::Decoder;

use super::*;
use crate::Sampler;
use crate::made_up::{facesets, preset};

/// Trains to an iteration; gives the losses of the last one.
fn trained(trainer: &mut Trainer, to: u64) -> StepLosses {
    let facesets = facesets(&trainer.meta.people);
    let sampler = Sampler::new(7, facesets.iter().map(|set| (&*set.looks, 0..0)));
    let mut losses = Vec::new();
    while trainer.iteration < to {
        let people = trainer.learning().to_vec();
        let batch = Batch::of(trainer.iteration, &people, &sampler, &facesets, &preset());
        losses = trainer.step(&batch).unwrap();
    }
    losses
}

fn new_trainer() -> Trainer {
    let people = vec!["alice".to_owned(), "bob".to_owned()];
    Trainer::new(preset(), people, 7, &Device::flex())
}

#[test]
fn a_run_that_was_interrupted_ends_in_the_same_weights() {
    let mut straight = new_trainer();
    trained(&mut straight, 24);

    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path());
    let mut first = new_trainer();
    trained(&mut first, 13);
    first.save(&checkpoints, b"preview").unwrap();
    drop(first);
    let saved = checkpoints.newest().unwrap().checkpoint.unwrap();
    let mut resumed = Trainer::resume(&saved, &Device::flex()).unwrap();
    trained(&mut resumed, 24);

    assert_eq!(resumed.meta.losses, straight.meta.losses);
    let bytes = |trainer: &Trainer| weights::to_safetensors(trainer.net()).unwrap();
    assert!(bytes(&resumed) == bytes(&straight), "bit-equal weights");
    let drawing = |trainer: &Trainer| weights::to_safetensors(&trainer.inference_net()).unwrap();
    assert!(drawing(&resumed) == drawing(&straight), "bit-equal means");
    assert!(drawing(&resumed) != bytes(&resumed), "a mean is not the newest");
}

#[test]
fn it_learns_and_the_people_are_told_apart() {
    let mut trainer = new_trainer();
    let start = trained(&mut trainer, 1);
    let end = trained(&mut trainer, 60);
    assert!(end.iter().zip(&start).all(|(end, start)| *end < 0.8 * start), "{start:?} {end:?}");
    // the same face drawn by both: person 0 has no red, person 1 no green
    let face = Tensor::<4>::full([1, 3, 64, 64], 0.5, &Device::flex());
    let net = trainer.inference_net();
    let mean = |person: usize, channel: usize| {
        let drawn = net.forward(face.clone(), person).narrow(1, channel, 1);
        drawn.mean().into_scalar::<f32>()
    };
    assert!(mean(0, 0) < mean(0, 1) && mean(1, 1) < mean(1, 0));
}

#[test]
fn somebody_joins_and_the_others_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(folder.path());
    let mut first = new_trainer();
    trained(&mut first, 4);
    first.save(&checkpoints, b"preview").unwrap();
    let saved = checkpoints.newest().unwrap().checkpoint.unwrap();

    // in front of the others, so that everybody's number changes
    let people = ["carol", "alice", "bob"].map(str::to_owned).to_vec();
    let mut three = Trainer::resume_with(&saved, people, &Device::flex()).unwrap();
    three.learn_only("carol").unwrap();
    let bytes = |part: &Decoder| weights::to_safetensors(part).unwrap();
    let encoder = |trainer: &Trainer| weights::to_safetensors(&trainer.inference_net().encoder).unwrap();
    let drawing = |trainer: &Trainer, place: usize| bytes(&trainer.inference_net().decoders[place]);
    let begun = bytes(&three.net().decoders[0]);
    assert_eq!(trained(&mut three, 12).len(), 1);
    assert!(bytes(&three.net().decoders[0]) != begun);
    assert!(drawing(&three, 1) == drawing(&first, 0));
    assert!(drawing(&three, 2) == drawing(&first, 1));
    assert!(encoder(&three) == encoder(&first));

    // as it is saved and gone on from, with everybody
    three.save(&checkpoints, b"preview").unwrap();
    let saved = checkpoints.newest().unwrap().checkpoint.unwrap();
    let mut all = Trainer::resume(&saved, &Device::flex()).unwrap();
    assert_eq!(trained(&mut all, 14).len(), 3);
    assert!(encoder(&all) != encoder(&first));
    assert!(all.learn_only("dave").unwrap_err().to_string().contains("carol, alice, bob"));

    let other = vec!["eve".to_owned(), "frank".to_owned()];
    let begun = Trainer::with_encoder_of(&saved, preset(), other, 9, &Device::flex()).unwrap();
    assert!(encoder(&begun) == encoder(&three) && begun.iteration == 0);
}

#[test]
fn a_broken_number_is_named_and_costs_nothing() {
    let mut trainer = new_trainer();
    trained(&mut trainer, 1);
    let area = 64 * 64;
    let mut truth = vec![0.5; 4 * 3 * area];
    truth[3 * 3 * area] = f32::NAN;
    let (input, weight) = (vec![0.5; 4 * 3 * area], vec![1.0; 4 * area]);
    let batch = Batch { iteration: 1, people: vec![0, 1], input, truth, weight };
    let before = weights::to_safetensors(trainer.net()).unwrap();
    let error = trainer.step(&batch).unwrap_err().to_string();
    assert!(error.contains("iteration 1") && error.contains("DSSIM of bob is NaN"), "{error}");
    assert!(weights::to_safetensors(trainer.net()).unwrap() == before);
}
