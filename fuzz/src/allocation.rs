//! How much memory decoding takes.

use alloc_tracker::Session;

/// Most bytes that decoding may hold for each byte of the frame.
///
/// The least that a frame can say takes two bytes: an empty string of a repeated field, which is 24 bytes
/// in memory, or a skip of the `waku` dialect, which is 80. Most vectors that grow have room for up to
/// twice what is in them; and what is read may be held along with what is made of it.
pub const MULTIPLE: usize = 64;

/// Bytes that decoding may hold whatever the length of the frame: words of an error, first pieces of
/// growing vectors.
pub const CONSTANT: usize = 4 << 10;

/// What `work` gives, and the most bytes that it held at one time of what it allocated, on this
/// thread.
pub fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let session = Session::new().no_stdout().no_file();
    let span = session.operation("work").measure_thread().iterations(1);
    let result = work();
    drop(span);
    let report = session.to_report();
    let peaks = report
        .operations()
        .filter_map(|(_, operation)| operation.peak_outstanding_bytes());
    (result, peaks.fold(0.0, f64::max) as usize)
}

/// What `decode` gives, which may hold [`MULTIPLE`] times `frame` at most, whether it takes it or not.
pub fn bounded<'a, T>(frame: &'a [u8], decode: impl FnOnce(&'a [u8]) -> T) -> T {
    bounded_by(MULTIPLE * frame.len() + CONSTANT, || decode(frame))
}

/// What `work` gives, which may hold so many bytes.
pub fn bounded_by<T>(most: usize, work: impl FnOnce() -> T) -> T {
    let (result, held) = peak(work);
    assert!(held <= most, "{held} bytes were held where {most} may be");
    result
}
