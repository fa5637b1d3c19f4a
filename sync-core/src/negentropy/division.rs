//! Into how many parts ranges are split that differ: the format leaves it open.

/// Into how many parts a range is split whose fingerprints differ, and from how few items on it is listed
/// instead. Each side of a session chooses for itself, and needn't know what the other has chosen.
///
/// What a difference costs where they are spread over n items: on each of log(n / list) / log(parts)
/// levels, `parts` fingerprints on either side, of some 22 bytes each, and at the end a list of ids of 32
/// bytes. So eight parts take the fewest fingerprints of those that save a round trip where 16 parts
/// leave lists half as long: with n = 1,000,000 both take three, and d = 1,000 takes 1.26 MB instead of
/// 1.45, d = 1,000 within an hour of a month 64 kB instead of 127, in 60 to 85 % of the time.
///
/// Where frames are bounded and full, what a frame doesn't reach is split once more for every frame, so
/// that parts are to be many: d = 10,000 in frames of 60,000 bytes takes 83 ms by 32 and 48 parts, 98 by
/// 16, and 176 by eight.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Division {
    /// Eight parts, and lists of less than 64 items. From the first answer on that doesn't fit its frame,
    /// 32 parts, and 48 of what the frames before didn't reach.
    #[default]
    Lean,
    /// As the reference implementations, so that frames are the same, byte for byte: 16 parts, and
    /// lists of less than 32 items.
    Reference,
}

impl Division {
    /// A range is listed of which less items are held.
    pub(super) const fn list_below(self) -> usize {
        match self {
            Self::Lean => 64,
            Self::Reference => 32,
        }
    }

    /// Into how many parts a range is split; `crowded` if an answer hasn't fitted its frame before, and
    /// `rest` if the range reaches to the end of all.
    pub(super) const fn parts(self, crowded: bool, rest: bool) -> usize {
        match self {
            Self::Reference => 16,
            Self::Lean if !crowded => 8,
            Self::Lean if rest => 48,
            Self::Lean => 32,
        }
    }
}
