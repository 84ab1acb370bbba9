//! The log of how clips were judged.

use super::Index;
use super::log::{Line, Log};
use crate::error::Result;
use crate::hash::ClipFingerprint;
use crate::judgement::{Judgement, JudgementEntry};

const LOG: Log = Log { table: "judgements", subject: "clip", at: "judged_at" };

impl Index {
    /// Every line of the log, oldest first, after checking that none was changed, moved or taken out (but off its end).
    ///
    /// # Errors
    /// [`crate::ProjectError::Damaged`] naming the first line that does not fit the one before it.
    pub fn judgements(&self) -> Result<Vec<JudgementEntry>> {
        self.judgement_entries(&LOG.read(self, &self.lock())?)
    }

    /// How a clip of these contents was judged in this way; `None` when it was not yet.
    ///
    /// # Errors
    /// As [`Self::judgements`].
    pub fn judgement_of(&self, clip: ClipFingerprint, method: u32) -> Result<Option<Judgement>> {
        Ok(known(&self.judgements()?, clip, method))
    }

    /// Adds a line, unless there is one about this clip and way of judging.
    ///
    /// # Errors
    /// As [`Self::judgements`].
    pub fn add_judgement(&self, clip: ClipFingerprint, judgement: Judgement) -> Result<()> {
        let action = "note how a clip was judged";
        self.transact(action, |transaction| {
            let lines = LOG.read(self, transaction)?;
            if known(&self.judgement_entries(&lines)?, clip, judgement.method).is_some() {
                return Ok(());
            }
            let subject = format!("{} {}", clip.size_bytes, clip.ends);
            let record = serde_json::to_string(&judgement)
                .map_err(|error| self.damaged(format!("a judgement of a clip: {error}")))?;
            LOG.add(transaction, &lines, &subject, &record).map_err(|source| self.failed(action, source))
        })
    }

    fn judgement_entries(&self, lines: &[Line]) -> Result<Vec<JudgementEntry>> {
        let entries = lines.iter().map(|line| {
            let wrong = || LOG.damaged(self, line.number, "cannot be read");
            let (size_bytes, ends) = line.subject.split_once(' ').ok_or_else(wrong)?;
            Ok(JudgementEntry {
                number: line.number,
                clip: ClipFingerprint {
                    size_bytes: size_bytes.parse().map_err(|_| wrong())?,
                    ends: ends.parse().map_err(|_| wrong())?,
                },
                judgement: serde_json::from_str(&line.record).map_err(|_| wrong())?,
                judged_at: line.at,
                hash: line.hash,
            })
        });
        entries.collect()
    }
}

fn known(log: &[JudgementEntry], clip: ClipFingerprint, method: u32) -> Option<Judgement> {
    let mut about = log.iter().filter(|entry| entry.clip == clip && entry.judgement.method == method);
    about.next().map(|entry| entry.judgement)
}
