//! A rateless invertible Bloom lookup table, by the `riblt` crate.
//!
//! Each side's set maps to the same endless sequence of cells, each the xor of some items. The
//! responder streams its cells; the initiator subtracts its own and takes out one item after
//! another, until nothing is left in any cell.

use benches::{Competitor, Laps, Outcome, Side};
use riblt::{CodedSymbol, RandomMapping, RatelessIBLT, Symbol};
use sync_core::{Id, Item};

const ID_BYTES: usize = size_of::<Id>();

/// Two sets of ids that know nothing of timestamps.
#[derive(Debug)]
pub(crate) struct Rateless {
    left: Vec<Hash>,
    right: Vec<Hash>,
}

impl Rateless {
    /// `left` is the initiator's set.
    pub(crate) fn new(left: &[Item], right: &[Item]) -> Self {
        let hashes = |items: &[Item]| items.iter().map(|item| Hash(item.id)).collect();
        Self {
            left: hashes(left),
            right: hashes(right),
        }
    }
}

impl Competitor for Rateless {
    fn name(&self) -> &str {
        "rateless IBLT"
    }

    /// One request, and cells until the last difference is out: none too many, as if the word to
    /// stop took no time.
    fn reconcile(&self, laps: &mut Laps) -> Outcome {
        let mut ours = RatelessIBLT::new(Items(&self.left));
        laps.end_turn(Side::Initiator);
        let mut theirs = RatelessIBLT::new(Items(&self.right));
        laps.end_turn(Side::Responder);
        let mut peeler = Peeler::default();
        let mut stream = Vec::new();
        while !peeler.is_done() {
            let index = peeler.cells.len();
            let start = stream.len();
            write_cell(&mut stream, &theirs.get_coded_symbol(index));
            laps.end_turn(Side::Responder);
            let received = read_cell(&stream[start..]);
            peeler.push(ours.get_coded_symbol(index).collapse(&received));
            laps.end_turn(Side::Initiator);
        }
        let mut outcome = Outcome {
            have: peeler.have,
            need: peeler.need,
            ..Outcome::default()
        };
        outcome.up.add(&[]);
        outcome.down.add(&stream);
        outcome
    }
}

/// Takes items out of the cells of a difference as soon as a cell holds but one. The crate's own way
/// to do this goes through all cells for each item, and its results have no name outside of it.
#[derive(Default)]
struct Peeler {
    cells: Vec<CodedSymbol<Hash>>,
    have: Vec<Id>,
    need: Vec<Id>,
    /// What has been taken out of the cells so far, each with its count and the next cell it is in.
    taken: Vec<(CodedSymbol<Hash>, std::iter::Peekable<RandomMapping>)>,
}

impl Peeler {
    /// Every item is in the first cell, so that empties last.
    fn is_done(&self) -> bool {
        self.cells.first().is_some_and(CodedSymbol::is_empty)
    }

    /// Adds the next cell.
    fn push(&mut self, mut cell: CodedSymbol<Hash>) {
        let index = self.cells.len();
        for (item, indices) in &mut self.taken {
            while indices.next_if(|next| *next < index).is_some() {}
            if indices.next_if_eq(&index).is_some() {
                cell = cell.collapse(item);
            }
        }
        self.cells.push(cell);
        let mut ripe = vec![index];
        while let Some(index) = ripe.pop() {
            let cell = &self.cells[index];
            if cell.is_peelable() {
                let item = cell.clone();
                self.take(&item, &mut ripe);
            }
        }
    }

    /// Takes the one item of a cell out of all cells; those that may hold but one then are `ripe`.
    fn take(&mut self, item: &CodedSymbol<Hash>, ripe: &mut Vec<usize>) {
        let hash = Hash::decode_from_bytes(&item.sum);
        let side = if item.count > 0 {
            &mut self.have
        } else {
            &mut self.need
        };
        side.push(hash.0);
        let mut indices = RandomMapping::new(&hash).peekable();
        while let Some(index) = indices.next_if(|index| *index < self.cells.len()) {
            self.cells[index] = self.cells[index].collapse(item);
            ripe.push(index);
        }
        self.taken.push((item.clone(), indices));
    }
}

/// A cell as it would be sent: the xor of ids, the xor of their hashes (8 bytes), and their count as
/// a zigzag varint.
fn write_cell(out: &mut Vec<u8>, cell: &CodedSymbol<Hash>) {
    out.extend_from_slice(&cell.sum);
    out.extend_from_slice(&cell.hash.to_le_bytes());
    let zigzag = ((cell.count << 1) ^ (cell.count >> 63)).cast_unsigned();
    sync_core::varint::write_leb128(out, zigzag);
}

fn read_cell(bytes: &[u8]) -> CodedSymbol<Hash> {
    let (sum, rest) = bytes.split_at(ID_BYTES);
    let (hash, rest) = rest.split_first_chunk().expect("a whole cell");
    let (zigzag, _) = sync_core::varint::read_leb128(rest).expect("a whole cell");
    let mut cell = CodedSymbol::new();
    cell.sum = sum.to_vec();
    cell.hash = u64::from_le_bytes(*hash);
    cell.count = (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed());
    cell
}

/// An id as the crate wants it.
#[derive(Clone, Debug)]
struct Hash(Id);

impl Symbol for Hash {
    const BYTE_ARRAY_LENGTH: usize = ID_BYTES;

    fn encode_to_bytes(&self) -> Vec<u8> {
        self.0.0.to_vec()
    }

    fn decode_from_bytes(bytes: &Vec<u8>) -> Self {
        let bytes = bytes.as_slice().try_into();
        Self(Id(bytes.expect("the crate keeps this length")))
    }
}

/// A set that the crate may go through as often as it likes.
#[derive(Clone)]
struct Items<'a>(&'a [Hash]);

impl<'a> IntoIterator for Items<'a> {
    type Item = Hash;
    type IntoIter = std::iter::Cloned<std::slice::Iter<'a, Hash>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().cloned()
    }
}
